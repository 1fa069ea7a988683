package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// patience is how long a command may take before it says what it is at.
const patience = time.Second

// New is the IO of a command. Where Err is a terminal and a person is likely to look at it, Doing shows there what takes long. The returned
// function takes that away and has to be called when the command ends.
func New(in io.Reader, out, errOut io.Writer, getenv func(string) string) (t IO, stop func()) {
	t = IO{In: in, Out: out, Err: errOut, Getenv: getenv}
	if !isTerminal(errOut) || t.env("TERM") == "dumb" || t.env("CI") != "" {
		return t, func() {}
	}
	t.progress = newProgress(errOut, func() int { return t.Width(errOut) })
	t.Err = erasing{errOut.(*os.File), t.progress}
	return t, t.progress.stop
}

// Doing says what the command is at: "rendering 50 services". It is seen only on a terminal, only when the command has been running for more
// than a second, and until Done or until something else is written to Err.
func (t IO) Doing(format string, args ...any) {
	if t.progress != nil {
		t.progress.show(fmt.Sprintf(format, args...))
	}
}

// Done says that what Doing said is done. It goes before a result, as Out may be the same terminal.
func (t IO) Done() {
	if t.progress != nil {
		t.progress.show("")
	}
}

// progress is the one line that says what a command is at.
type progress struct {
	width func() int // of the terminal
	timer *time.Timer

	mu    sync.Mutex
	to    io.Writer
	what  string
	shown int  // columns that are written now
	late  bool // the command has been running for longer than people like to wait for nothing
}

func newProgress(to io.Writer, width func() int) *progress {
	p := &progress{to: to, width: width}
	p.timer = time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.late = true
		p.draw()
	})
	return p
}

func (p *progress) show(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
	if p.late {
		p.draw()
	}
}

// draw writes the line, cut to the terminal's width: what goes over it cannot be erased. The caller holds the mutex.
func (p *progress) draw() {
	p.clear()
	text := p.what
	if text == "" {
		return
	}
	text += " …"
	if width := p.width() - 1; width > 0 && utf8.RuneCountInString(text) > width {
		text = string([]rune(text)[:width])
	}
	p.shown = utf8.RuneCountInString(text)
	_, _ = io.WriteString(p.to, text)
}

// clear takes the line away, with blanks: not every console understands more. The caller holds the mutex.
func (p *progress) clear() {
	if p.shown > 0 {
		_, _ = io.WriteString(p.to, "\r"+strings.Repeat(" ", p.shown)+"\r")
		p.shown = 0
	}
}

// stop takes the line away for good.
func (p *progress) stop() {
	p.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.late = "", false
	p.clear()
}

// write lets something else be written in the line's place. What the command was at is done then.
func (p *progress) write(w io.Writer, data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = ""
	p.clear()
	return w.Write(data)
}

// erasing is a terminal that the line of progress leaves before anything else is written to it.
type erasing struct {
	file     *os.File
	progress *progress
}

func (e erasing) Write(data []byte) (int, error) { return e.progress.write(e.file, data) }
