package dialect

import "bufio"

// tcp has no words: a client connects and says nothing. That it is served shows
// in the server's descriptors, among which its accepted socket stands; a session
// looks there where others read a reply.
type tcp struct{}

func (tcp) Name() string                                   { return "tcp" }
func (tcp) Opening() []Step                                { return nil }
func (tcp) Request([]byte) []byte                          { return nil }
func (tcp) ReadReply(*bufio.Reader, []byte) (Reply, error) { return Reply{}, nil }
func (tcp) MinPayload() int                                { return 0 }
func (tcp) MaxPayload() int                                { return 0 }
func (tcp) Pipelines() bool                                { return false }
func (tcp) Requests() int                                  { return 0 }

// Wordless reports whether nothing can be asked in d.
func Wordless(d Dialect) bool { return d.Name() == "tcp" }
