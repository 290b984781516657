package ascii

import (
	"strconv"
	"testing"
)

func TestQuote(t *testing.T) {
	for data, want := range map[string]string{
		"":                       `""`,
		`a "b" \`:                `"a \"b\" \\"`,
		"GET\r\n\t~":             `"GET\r\n\t~"`,
		"\u07e5":                 `"\xdf\xa5"`, // two bytes that happen to be one character
		"é\u202e":                `"\xc3\xa9\xe2\x80\xae"`,
		"\x00\a\b\f\v\x1b\x7f":   `"\x00\x07\x08\x0c\x0b\x1b\x7f"`,
		"\xff\xfe1\xe2\x80, cut": `"\xff\xfe1\xe2\x80, cut"`,
	} {
		if got := Quote([]byte(data)); got != want {
			t.Errorf("%q is %s, want %s", data, got, want)
		}
	}
	var all []byte
	for c := range 256 {
		all = append(all, byte(c), byte(255-c))
	}
	if back, err := strconv.Unquote(Quote(all)); err != nil || back != string(all) {
		t.Errorf("it reads as %q, %v", back, err)
	}
}
