package suppress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/msgen-dev/msgen/schema/source"
)

// ReadBaseline reads a baseline. name is its path, which its entries are relative to and which errors begin with.
func ReadBaseline(name string, content []byte) (*Baseline, error) {
	r := reader{file: source.NewFile(filepath.ToSlash(name), content)}
	text := bytes.TrimPrefix(content, []byte("\uFEFF"))
	r.skipped = len(content) - len(text)
	// What another version holds is not ours to judge, so the version goes first.
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, r.wrap(err)
	}
	switch {
	case head.Version == nil:
		return nil, r.errorf(0, "the baseline has no version")
	case *head.Version != version:
		return nil, r.errorf(0, "version %d of the baseline is unknown: this msgen reads version %d", *head.Version, version)
	}
	r.dec = json.NewDecoder(bytes.NewReader(text))
	b := &Baseline{dir: filepath.Dir(name), names: map[string]string{}}
	if err := r.object(b); err != nil {
		return nil, err
	}
	b.sort()
	return b, nil
}

// reader reads a baseline whose text is known to be JSON.
type reader struct {
	file    *source.File
	dec     *json.Decoder
	skipped int // the length of the byte order mark
}

func (r *reader) object(b *Baseline) error {
	if token, err := r.dec.Token(); err != nil || token != json.Delim('{') {
		return r.errorf(0, "a baseline is a JSON object")
	}
	seen := map[string]bool{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.wrap(err)
		}
		name, _ := token.(string)
		if seen[name] {
			return r.errorf(r.dec.InputOffset(), "the key %q stands twice", name)
		}
		seen[name] = true
		switch name {
		case "version":
			_, err = r.dec.Token()
		case "entries":
			err = r.entries(b)
		default:
			return r.errorf(r.dec.InputOffset(), "unknown key %q", name)
		}
		if err != nil {
			return err
		}
	}
	if !seen["entries"] {
		return r.errorf(0, "the baseline has no entries")
	}
	return nil
}

func (r *reader) entries(b *Baseline) error {
	if token, err := r.dec.Token(); err != nil || token != json.Delim('[') {
		return r.errorf(r.dec.InputOffset(), "entries must be a list")
	}
	seen := map[key]source.Span{}
	for r.dec.More() {
		var raw json.RawMessage
		if err := r.dec.Decode(&raw); err != nil {
			return r.wrap(err)
		}
		end := r.dec.InputOffset()
		e, err := r.entry(raw, end-int64(len(raw)), end)
		if err != nil {
			return err
		}
		if first, ok := seen[e.key()]; ok {
			return fmt.Errorf("%s: %s at %s of %s stands in the baseline already, in line %d", e.span, e.Rule, where(e.Path), e.File, first.Start.Line)
		}
		seen[e.key()] = e.span
		b.Entries = append(b.Entries, e)
	}
	_, err := r.dec.Token()
	return err
}

func (r *reader) entry(raw []byte, start, end int64) (Entry, error) {
	var e Entry
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, r.errorf(start, "%s", plain(err))
	}
	switch {
	case e.File == "":
		return e, r.errorf(start, "an entry names no file")
	case e.Rule == "":
		return e, r.errorf(start, "an entry names no rule")
	case e.Count < 1:
		return e, r.errorf(start, "an entry's count must be 1 or more")
	}
	e.span = source.Span{File: r.file, Start: r.pos(start), End: r.pos(end)}
	return e, nil
}

func (r *reader) pos(offset int64) source.Pos { return r.file.PosAt(int(offset) + r.skipped) }

func (r *reader) errorf(offset int64, format string, args ...any) error {
	pos := r.pos(offset)
	return fmt.Errorf("%s:%d:%d: %s", r.file.Name, pos.Line, pos.Col, fmt.Sprintf(format, args...))
}

// wrap places an error of the JSON decoder.
func (r *reader) wrap(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	offset := int64(0)
	switch {
	case errors.As(err, &syntax):
		offset = max(syntax.Offset-1, 0)
	case errors.As(err, &wrong):
		offset = wrong.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(len(r.file.Content))
	}
	return r.errorf(offset, "%s", plain(err))
}

// plain says in a user's words what the JSON decoder says in those of Go.
func plain(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return string(bytes.TrimPrefix([]byte(err.Error()), []byte("json: ")))
	}
	want := "text"
	if wrong.Field == "count" || wrong.Field == "version" {
		want = "a whole number"
	}
	if wrong.Field == "" {
		want = "an object"
		return "expected " + want + ", found " + wrong.Value
	}
	return fmt.Sprintf("%s must be %s, found %s", wrong.Field, want, wrong.Value)
}
