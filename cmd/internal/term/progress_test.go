package term

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// screen is what a terminal shows of what was written: text after a carriage return overwrites the line.
func screen(written string) string {
	lines := strings.Split(written, "\n")
	for i, line := range lines {
		var shown []rune
		column := 0
		for _, r := range line {
			if r == '\r' {
				column = 0
				continue
			}
			if column == len(shown) {
				shown = append(shown, r)
			} else {
				shown[column] = r
			}
			column++
		}
		lines[i] = strings.TrimRight(string(shown), " ")
	}
	return strings.Join(lines, "\n")
}

// The line appears after a second, changes with what is done, never stands beside other output, and is gone at the end.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, func() int { return 30 })
		shows := func(want string) {
			t.Helper()
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			if got := screen(out.String()); got != want {
				t.Errorf("the terminal shows %q, want %q", got, want)
			}
		}
		p.show("compiling the contracts")
		time.Sleep(patience - time.Millisecond)
		shows("")
		time.Sleep(2 * time.Millisecond)
		shows("compiling the contracts …")
		p.show("rendering")
		shows("rendering …")
		if n, err := p.write(&out, []byte("warning: an ünusual name\n")); n != 26 || err != nil {
			t.Error(n, err)
		}
		shows("warning: an ünusual name\n")
		time.Sleep(time.Hour)
		shows("warning: an ünusual name\n")
		p.show("comparing the system with its lock and its spec")
		shows("warning: an ünusual name\ncomparing the system with its")
		p.show("")
		shows("warning: an ünusual name\n")
		p.show("writing 3 files")
		shows("warning: an ünusual name\nwriting 3 files …")
		p.stop()
		shows("warning: an ünusual name\n")
	})
}

// A command that is done within a second has shown nothing, and nothing comes later.
func TestNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, func() int { return 0 })
		p.show("rendering 50 services")
		if _, err := p.write(&out, []byte("done\n")); err != nil {
			t.Fatal(err)
		}
		p.show("writing 300 files")
		p.stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if out.String() != "done\n" {
			t.Errorf("there is %q", out.String())
		}
	})
}

// Steps and output come from several goroutines.
func TestProgressTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, func() int { return 0 })
		for range 4 {
			go func() {
				for range 20 {
					p.show("working")
					time.Sleep(patience / 10)
					if _, err := p.write(&out, []byte("line\n")); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		time.Sleep(time.Hour)
		p.stop()
		if got, want := screen(out.String()), strings.Repeat("line\n", 80); got != want {
			t.Errorf("the terminal shows %q", got)
		}
		if !strings.Contains(out.String(), "working …") {
			t.Error("nothing was shown")
		}
	})
}
