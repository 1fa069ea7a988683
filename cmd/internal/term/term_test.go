package term_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/term"
)

// What is no terminal gets no colours, has no width and is not prompted; the environment can force colours and forbid them.
func TestNotATerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"nothing":           {nil, false},
		"NO_COLOR":          {map[string]string{"NO_COLOR": "1"}, false},
		"forced":            {map[string]string{"CLICOLOR_FORCE": "1"}, true},
		"forced, dumb":      {map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, true},
		"not forced":        {map[string]string{"CLICOLOR_FORCE": "0"}, false},
		"forced, forbidden": {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "yes"}, false},
	} {
		io := term.IO{In: r, Out: w, Err: &bytes.Buffer{}, Getenv: func(key string) string { return c.env[key] }}
		if io.CanPrompt() {
			t.Errorf("%s: pipes are prompted", name)
		}
		for _, out := range []any{w, io.Err} {
			to := out.(interface{ Write([]byte) (int, error) })
			if got := io.Color(to); got != c.want {
				t.Errorf("%s: colours on %T: %t, want %t", name, out, got, c.want)
			}
			if got := io.Width(to); got != 0 {
				t.Errorf("%s: the width of %T is %d", name, out, got)
			}
		}
	}
	if (term.IO{}).Color(w) || (term.IO{}).CanPrompt() {
		t.Error("without anything there are colours or prompts")
	}
}
