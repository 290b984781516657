package dialect

import (
	"slices"
	"strings"
)

// key is one key of a dialect file. The table below is what the reader, the
// schema for editors and the page spec/dialect-files.md are made of or held against.
type key struct {
	in    string // the mapping that it stands in
	name  string
	kind  kind
	about string // one sentence without its full stop, for people
	most  int    // of a number, which is 0 or more
}

// kind is what a key's value may be.
type kind string

const (
	aWord     kind = "a word"
	aText     kind = "text"
	bytesOnly kind = "text for bytes"   // a text without {payload}, {hex}, {any} or {digits}
	request   kind = "a template"       // bytes that are sent, with the payload
	pattern   kind = "a pattern"        // what came is compared with it
	patterns  kind = "patterns"         // one pattern, or a list of them
	header    kind = "a header pattern" // {length} in it is read
	aNumber   kind = "a number"
	yes       kind = "true or false"
	anOrder   kind = "big or little"
	aFrame    kind = "a frame"
	frames    kind = "frames" // a pattern, a frame, or a list of frames
	steps     kind = "steps"  // a list of mappings with send or read
	aPayload  kind = "bounds" // the mapping "payload"
	aSigned   kind = "a number that may be below 0"
	aLength   kind = "a length" // the mapping "length"
)

// maxRequests and maxClients bound what a dialect file may say, and maxAt where a length stands.
const (
	maxRequests = 1_000_000
	maxClients  = 1_000_000
	maxAt       = 4096
	maxPlus     = 255
)

var keys = []key{
	{"dialect", "name", aWord, "The name that reports use; without it, a dialect file is called by its file name", 0},
	{"dialect", "about", aText, "One line for people", 0},
	{"dialect", "open", steps, "What is sent and read once on a new connection, step by step; with a server that speaks first, begin with a read", 0},
	{"dialect", "request", request, "One request: the bytes that make the server send one reply", 0},
	{"dialect", "reply", frames, "The reply: a pattern for the whole reply, a frame, or a list of frames in their order", 0},
	{"dialect", "payload", aPayload, "How many bytes a request may carry; needed where the request has {payload} or {hex}", 0},
	{"dialect", "pipelines", yes, "Whether a client may send requests before it has read the replies to earlier ones; promises CONN-3 and CONN-22", 0},
	{"dialect", "half_close", yes, "Whether the server still answers, after the client's FIN, the requests that came before it; promises CONN-6, CONN-7, CONN-8 and CONN-19", 0},
	{"dialect", "requests_per_connection", aNumber, "How many requests the server takes on one connection; any number if not said", maxRequests},
	{"dialect", "max_clients", aNumber, "How many clients the server serves at a time; not known if not said", maxClients},

	{"payload", "min", aNumber, "The fewest bytes; 1 if not said", maxBytes},
	{"payload", "max", aNumber, "The most bytes", maxBytes},

	{"step", "send", bytesOnly, "Bytes to send", 0},
	{"step", "read", aFrame, "A frame to read; a pattern alone stands for a frame that is just that pattern", 0},

	{"frame", "line", bytesOnly, "The frame ends with these bytes, such as \"\\r\\n\"; patterns look at what is before them", 0},
	{"frame", "length", aLength, "A binary length in the frame says how many bytes follow it", 0},
	{"frame", "header", header, "How the frame begins; {length} in it is the decimal number of the bytes that follow", 0},
	{"frame", "tail", bytesOnly, "What follows the bytes that the header counts", 0},
	{"frame", "size", aNumber, "How many bytes the frame has", maxOverhead},
	{"frame", "close", yes, "The frame ends where the server closes the connection", 0},
	{"frame", "skip", patterns, "Frames that may come unasked, before any other; they are read and ignored", 0},
	{"frame", "until", patterns, "Frames like this one follow each other; the last is the first that matches this", 0},
	{"frame", "is", patterns, "The whole frame, from its first byte to its last, matches one of these; with until, each frame but the last does", 0},
	{"frame", "contains", patterns, "This stands somewhere in the frame; with until, somewhere in all the frames together", 0},

	{"length", "at", aNumber, "How many bytes stand before the number; 0 if not said", maxAt},
	{"length", "size", aNumber, "How many bytes the number has: 1 to 4", 4},
	{"length", "order", anOrder, "The order of its bytes; big if not said", 0},
	{"length", "plus", aSigned, "By how much the number is greater than the count of the bytes after it: 4 if it counts its own 4 bytes too, -1 if it leaves out one byte that follows; 0 if not said", maxPlus},
}

// keyOf finds a key; what says which there are otherwise.
func keyOf(in, name string) (k key, what string, found bool) {
	var known []string
	for _, k := range keys {
		if k.in != in {
			continue
		}
		if k.name == name {
			return k, "", true
		}
		known = append(known, k.name)
	}
	what = "use " + strings.Join(known, ", ")
	if near := nearest(known, name); near != "" {
		what = "did you mean " + near + "?"
	}
	return key{}, what, false
}

// nearest is the word that a misspelt one most likely means; empty where none is near.
func nearest(words []string, misspelt string) string {
	near, least := "", 3
	for _, word := range words {
		d := distance(word, misspelt)
		if d > 1 && sorted(word) == sorted(misspelt) { // letters have changed places
			d = 1
		}
		if d < least && d < len(word) {
			near, least = word, d
		}
	}
	return near
}

func sorted(word string) string {
	letters := []byte(word)
	slices.Sort(letters)
	return string(letters)
}

// distance is how many letters have to be changed, put in or left out to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = slices.Min([]int{change, diagonal + 1, row[j] + 1})
		}
	}
	return row[len(b)]
}
