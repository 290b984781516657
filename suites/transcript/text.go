package transcript

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

const header = "reactorspec transcript 1"

// Load reads a transcript's file; errors name file and line.
func Load(path string) (Transcript, error) {
	f, err := os.Open(path)
	if err != nil {
		return Transcript{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Transcript{}, err
	}
	return Parse(path, text)
}

// Parse reads a transcript; errors begin with name:line.
func Parse(name string, text []byte) (Transcript, error) {
	p := parser{}
	if len(text) > maxFile {
		return Transcript{}, fmt.Errorf("%s:1: the file is larger than %d bytes", name, maxFile)
	}
	line := 0
	for raw := range bytes.Lines(text) {
		line++
		if err := p.line(line, strings.TrimSuffix(string(raw), "\n")); err != nil {
			return Transcript{}, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	switch {
	case line == 0:
		return Transcript{}, fmt.Errorf("%s:1: empty: the first line is %q", name, header)
	case p.Clause == "":
		return Transcript{}, fmt.Errorf("%s:%d: no clause is named: add a line such as clause CONN-22", name, line)
	case len(p.Steps) == 0:
		return Transcript{}, fmt.Errorf("%s:%d: there are no steps", name, line)
	}
	return p.Transcript, nil
}

type parser struct {
	Transcript
	seeded bool
	bytes  int
	waits  int
	crowds int
}

func (p *parser) line(number int, text string) error {
	if number == 1 {
		if text != header {
			return fmt.Errorf("the first line is %q, not %q", header, text)
		}
		return nil
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if note, ok := strings.CutPrefix(text, "#"); ok {
		if len(p.Steps) == 0 {
			p.Notes = append(p.Notes, strings.TrimSpace(note))
		}
		return nil
	}
	words := strings.Split(text, " ")
	if slices.Contains(words, "") || strings.ContainsAny(text, "\t\r") {
		return errors.New("words are separated by one space, and nothing stands before or behind them")
	}
	switch words[0] {
	case "clause":
		if p.Clause != "" || len(p.Steps) > 0 || len(words) != 2 {
			return errors.New("clause: name one clause, once, before the first step")
		}
		p.Clause = words[1]
		return nil
	case "seed":
		if p.seeded || len(p.Steps) > 0 || len(words) != 2 {
			return errors.New("seed: give one number, once, before the first step")
		}
		seed, err := strconv.ParseUint(words[1], 0, 64)
		if err != nil {
			return fmt.Errorf("seed: %q is no number from 0 to 2^64-1", words[1])
		}
		p.Seed, p.seeded = seed, true
		return nil
	}
	step, err := parseStep(words)
	if err != nil {
		return err
	}
	return p.add(step)
}

// add bounds the transcript as a whole.
func (p *parser) add(s Step) error {
	switch {
	case s.Op.Lasts():
		p.waits += s.Size
	case s.Op == Crowd:
		p.crowds += s.Size
	default:
		p.bytes += s.Size * max(s.Count, 1)
	}
	switch {
	case len(p.Steps) == MaxSteps:
		return fmt.Errorf("more than %d steps", MaxSteps)
	case p.bytes > MaxBytes:
		return fmt.Errorf("more than %d bytes in all", MaxBytes)
	case p.waits > MaxWaits:
		return fmt.Errorf("waits of more than %d ms in all", MaxWaits)
	case p.crowds > MaxCrowd:
		return fmt.Errorf("crowds of more than %d clients in all", MaxCrowd)
	}
	p.Steps = append(p.Steps, s)
	return nil
}

func parseStep(words []string) (Step, error) {
	var s Step
	if Op(words[0]).OfNone() {
		words = append([]string{"0"}, words...)
	} else if n, err := number(words[0], 1, MaxConns); err != nil {
		return s, fmt.Errorf("a step begins with a connection number from 1 to %d, or is a wait, halt, rain, short or crowd: %q", MaxConns, words[0])
	} else {
		s.Conn = n
	}
	if len(words) == 1 {
		return s, errors.New("the operation is missing")
	}
	s.Op = Op(words[1])
	arguments := words[2:]
	if s.Op.OfNone() && s.Conn != 0 {
		return s, fmt.Errorf("%s takes no connection: %s", s.Op, s.form())
	}
	var err error
	arity := func(form string, least, most int) error {
		if len(arguments) != least && len(arguments) != most {
			return fmt.Errorf("%s is written %q", s.Op, form)
		}
		return nil
	}
	switch s.Op {
	case Dial:
		if err = arity("N dial [frames]", 0, 1); err == nil && len(arguments) == 1 {
			if s.Frames = arguments[0] == "frames"; !s.Frames {
				err = fmt.Errorf("dial knows the conversation frames only, not %q", arguments[0])
			}
		}
	case Open:
		if err = arity("N open [frames|narrow]", 0, 1); err == nil && len(arguments) == 1 {
			s.Frames, s.Narrow = arguments[0] == "frames", arguments[0] == "narrow"
			if !s.Frames && !s.Narrow {
				err = fmt.Errorf("open knows the conversation frames only, and narrow connections, not %q", arguments[0])
			}
		}
	case Ask, Sip:
		if err = arity("N "+string(s.Op)+" BYTES", 1, 1); err == nil {
			s.Size, err = number(arguments[0], 1, MaxSize)
		}
	case Push:
		if err = arity("N push BYTES, or N push all", 1, 1); err == nil && arguments[0] != "all" {
			s.Size, err = number(arguments[0], 1, MaxSize)
		}
	case Send:
		s.Count = 1
		if err = arity("N send BYTES [COUNT]", 1, 2); err == nil {
			s.Size, err = number(arguments[0], 1, MaxSize)
		}
		if err == nil && len(arguments) == 2 {
			s.Count, err = number(arguments[1], 1, MaxCount)
		}
	case Read:
		if err = arity("N read COUNT, or N read all", 1, 1); err == nil && arguments[0] != "all" {
			s.Count, err = number(arguments[0], 1, MaxCount)
		}
	case Call:
		if err = arity("N call VERB [NUMBER]", 1, 2); err == nil {
			if s.Verb = arguments[0]; !slices.Contains(verbs, s.Verb) {
				err = fmt.Errorf("unknown verb %q: use one of %s", s.Verb, strings.Join(verbs, ", "))
			}
		}
		if err == nil && len(arguments) == 2 {
			s.Size, err = number(arguments[1], 1, maxArgument)
		}
	case Spoil:
		if err = arity("N spoil WAY [NUMBER]", 1, 2); err == nil {
			if s.Verb = arguments[0]; !slices.Contains(spoils, s.Verb) {
				err = fmt.Errorf("unknown way to spoil %q: use one of %s", s.Verb, strings.Join(spoils, ", "))
			}
		}
		if err == nil && len(arguments) == 2 {
			s.Size, err = number(arguments[1], 1, MaxSize)
		}
	case Wait, Halt, Rain, Short:
		if err = arity(s.form(), 1, 1); err == nil {
			s.Size, err = number(arguments[0], 1, MaxWait)
		}
	case Crowd:
		if err = arity(s.form(), 1, 1); err == nil {
			s.Size, err = number(arguments[0], 1, MaxCrowd)
		}
	case Fin, End, Reset, Close:
		err = arity("N "+string(s.Op), 0, 0)
	default:
		err = fmt.Errorf("unknown operation %q", words[1])
	}
	return s, err
}

// form is how a step of no connection is written.
func (s Step) form() string {
	if s.Op.Lasts() {
		return string(s.Op) + " MILLISECONDS"
	}
	return string(s.Op) + " CLIENTS"
}

// number parses a plain decimal.
func number(word string, least, most int) (int, error) {
	n, err := strconv.Atoi(word)
	if err != nil || strconv.Itoa(n) != word || n < least || n > most {
		return 0, fmt.Errorf("%q is no number from %d to %d", word, least, most)
	}
	return n, nil
}

// Append writes the transcript; Parse of it gives the same one.
func (t Transcript) Append(dst []byte) []byte {
	dst = fmt.Appendf(dst, "%s\nclause %s\nseed %#x\n", header, t.Clause, t.Seed)
	for _, note := range t.Notes {
		dst = fmt.Appendf(dst, "# %s\n", strings.Join(strings.Fields(note), " "))
	}
	for _, s := range t.Steps {
		dst = append(append(dst, s.String()...), '\n')
	}
	return dst
}

// String is the step's line.
func (s Step) String() string {
	line := fmt.Sprintf("%d %s", s.Conn, s.Op)
	switch s.Op {
	case Dial, Open:
		switch {
		case s.Frames:
			line += " frames"
		case s.Narrow:
			line += " narrow"
		}
	case Ask, Sip:
		line += fmt.Sprintf(" %d", s.Size)
	case Push:
		line += orAll(s.Size)
	case Send:
		if line += fmt.Sprintf(" %d", s.Size); s.Count != 1 {
			line += fmt.Sprintf(" %d", s.Count)
		}
	case Read:
		line += orAll(s.Count)
	case Call, Spoil:
		if line += " " + s.Verb; s.Size > 0 {
			line += fmt.Sprintf(" %d", s.Size)
		}
	case Wait, Halt, Rain, Short, Crowd:
		line = fmt.Sprintf("%s %d", s.Op, s.Size)
	}
	return line
}

func orAll(n int) string {
	if n == 0 {
		return " all"
	}
	return fmt.Sprintf(" %d", n)
}
