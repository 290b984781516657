package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Format is the version of the JSON form, which run.schema.json describes. New
// fields do not change it, and readers pass over those that they do not know; a
// field that goes or means something else does.
const Format = 1

// mostShards bounds what a reader believes of a file: no matrix has as many targets.
const mostShards = 1 << 16

// WriteJSON writes the whole run as one JSON object.
func WriteJSON(w io.Writer, run *Run) error {
	copied := neutral(*run)
	copied.Format = Format
	return encode(w, copied)
}

// WriteJSONMatrix writes several runs as one JSON object, each in its "runs" as
// WriteJSON writes it.
func WriteJSONMatrix(w io.Writer, matrix *Matrix) error {
	copied := neutral(*matrix)
	copied.Format = Format
	if copied.Runs == nil {
		copied.Runs = []*Run{}
	}
	for _, run := range copied.Runs {
		run.Format = Format
	}
	return encode(w, copied)
}

func encode(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(value)
}

// ReadJSON reads what WriteJSON wrote, such as the report of a child process.
func ReadJSON(r io.Reader) (*Run, error) {
	matrix, err := ReadJSONMatrix(r)
	switch {
	case err != nil:
		return nil, err
	case len(matrix.Runs) != 1:
		return nil, fmt.Errorf("a JSON report of %d runs, where one is wanted", len(matrix.Runs))
	}
	return matrix.Runs[0], nil
}

// ReadJSONMatrix reads what WriteJSONMatrix or WriteJSON wrote; a single run is a
// matrix of one.
func ReadJSONMatrix(r io.Reader) (*Matrix, error) {
	var either struct {
		Run
		Shards  []Shard   `json:"shards"`
		Runs    []*Run    `json:"runs"`
		Skipped []Skipped `json:"skipped"`
	}
	if err := json.NewDecoder(r).Decode(&either); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, fmt.Errorf("not a JSON report: %w", err)
	}
	if either.Format != Format {
		return nil, fmt.Errorf("not a JSON report of this version: its format is %d, and this command reads %d; write it again with this command", either.Format, Format)
	}
	matrix := &Matrix{Format: Format, Shards: either.Shards, Runs: either.Runs, Skipped: either.Skipped}
	if either.Runs == nil {
		matrix.Runs = []*Run{&either.Run}
	}
	for _, shard := range matrix.Shards {
		if shard.Index < 1 || shard.Index > shard.Total || shard.Total > mostShards {
			return nil, fmt.Errorf("not a JSON report: it is shard %d of %d", shard.Index, shard.Total)
		}
	}
	for _, run := range matrix.Runs {
		if run == nil {
			return nil, errors.New("not a JSON report: a run in it is null")
		}
	}
	return matrix, nil
}
