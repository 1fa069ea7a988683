//go:build unix

package term

import (
	"io"
	"os"
	"testing"

	"github.com/creack/pty"
)

// Only a terminal that a person looks at has a line of progress, and it stays one for those who ask.
func TestNew(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo-terminal: ", err)
	}
	defer func() { _, _ = tty.Close(), master.Close() }()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 77}); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	for name, c := range map[string]struct {
		err  io.Writer
		env  map[string]string
		want bool
	}{
		"a terminal":      {tty, nil, true},
		"a dumb terminal": {tty, map[string]string{"TERM": "dumb"}, false},
		"in CI":           {tty, map[string]string{"CI": "true"}, false},
		"a pipe":          {w, nil, false},
		"a buffer":        {io.Discard, nil, false},
	} {
		io, stop := New(r, w, c.err, func(key string) string { return c.env[key] })
		if got := io.progress != nil; got != c.want {
			t.Errorf("%s: progress %t, want %t", name, got, c.want)
		}
		if got := io.Color(io.Err); got != (c.want || name == "in CI") {
			t.Errorf("%s: colours %t", name, got)
		}
		if got := io.Width(io.Err); c.err == tty && got != 77 {
			t.Errorf("%s: the width is %d", name, got)
		}
		io.Doing("checking %s", name)
		io.Done()
		stop()
	}

	// What is written goes to the terminal as it is.
	io, stop := New(r, w, tty, nil)
	defer stop()
	if _, err := io.Err.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := master.Read(got); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
}
