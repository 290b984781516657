package target

import "testing"

// Braces that are no placeholder are left to whoever has them.
func TestBracesThatAreNoPlaceholder(t *testing.T) {
	for _, c := range []Command{
		{"./x", "{port}", "--dir={scratch}", "{socket}"},
		{"./x", "${HOME}", "{}", `{"json": 1}`, "{a,b}", "{1}"},
		ParseCommand("awk '{print}' | ./x {port}"),
	} {
		if err := (File{Start: c}).Fillable(); err != nil {
			t.Errorf("%q: %v", []string(c), err)
		}
	}
}
