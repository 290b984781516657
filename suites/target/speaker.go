package target

import (
	"errors"
	"fmt"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// Speaker returns the dialect that the file names, as its http and payload say
// it. The error names the field.
func (f File) Speaker() (dialect.Dialect, error) {
	d, err := f.Speaks, error(nil)
	if d == nil {
		if d, err = dialect.Lookup(f.Dialect); err != nil {
			return nil, err
		}
	}
	if f.HTTP != nil {
		if d.Name() != "http" {
			return nil, fmt.Errorf("http: is for dialect: http, not for %s", f.Dialect)
		}
		if d, err = dialect.NewHTTP(*f.HTTP); err != nil {
			return nil, fmt.Errorf("http.%w", err)
		}
	}
	least, most := int(f.Payload.Min), int(f.Payload.Max)
	switch {
	case least < 0 || most < 0:
		return nil, errors.New("payload: min and max are bytes, not below 0")
	case (least > 0 || most > 0) && dialect.Constant(d):
		return nil, errors.New("payload: the requests of this dialect carry none")
	case most > 0 && most < max(least, d.MinPayload()):
		return nil, fmt.Errorf("payload.max: %d is below the least, %d", most, max(least, d.MinPayload()))
	case max(least, most) > d.MaxPayload():
		return nil, fmt.Errorf("payload: %d is more than the %d bytes that the %s dialect carries", max(least, most), d.MaxPayload(), d.Name())
	}
	return dialect.Within(d, dialect.Bounds{MinPayload: least, MaxPayload: most}), nil
}
