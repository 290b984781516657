package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes the whole run as one JSON object.
func WriteJSON(w io.Writer, run *Run) error { return encode(w, neutral(*run)) }

// WriteJSONMatrix writes several runs as {"runs": […]}.
func WriteJSONMatrix(w io.Writer, runs []*Run) error {
	return encode(w, struct {
		Runs []*Run `json:"runs"`
	}{neutral(runs)})
}

func encode(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// ReadJSON reads what WriteJSON wrote, such as the report of a child process.
func ReadJSON(r io.Reader) (*Run, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var run Run
	if err := decoder.Decode(&run); err != nil {
		return nil, fmt.Errorf("not a JSON report of this version: %w", err)
	}
	return &run, nil
}
