//go:build unix

// Package tuitest runs a command in a terminal: keys are typed, and what the screen shows is read.
package tuitest

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/term"
)

// Keys as a terminal sends them. What follows Esc at once is taken for a key with alt; wait for what Esc does before you go on.
const (
	Enter     = "\r"
	Esc       = "\x1b"
	Tab       = "\t"
	ShiftTab  = "\x1b[Z"
	Backspace = "\x7f"
	Space     = " "
	Up        = "\x1b[A"
	Down      = "\x1b[B"
	Right     = "\x1b[C"
	Left      = "\x1b[D"
	PageUp    = "\x1b[5~"
	PageDown  = "\x1b[6~"
	CtrlC     = "\x03"
	CtrlP     = "\x10"
	CtrlU     = "\x15"
)

// Patience is how long WaitFor and Wait wait before they give up: it says that something hangs, not that it is slow.
const Patience = 2 * time.Minute

// drained is what the terminal itself writes once the command has ended: when it has come through, so has all before it.
const drained = "\x1b]7770;drained\x07"

// Terminal is a terminal with a command in it.
type Terminal struct {
	t            testing.TB
	ours, theirs *os.File // the ends of the line; the command's is kept open so that its modes can be read afterwards
	done         chan struct{}
	err          error // of the command, once done

	mu     sync.Mutex
	screen *vt.Emulator
	output strings.Builder
	alt    bool
}

// Start runs a command in a terminal of a size. TERM is xterm-256color unless the command's environment sets it. What still runs at
// the end of the test is killed.
func Start(t testing.TB, cmd *exec.Cmd, width, height int) *Terminal {
	t.Helper()
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	tt := &Terminal{t: t, ours: ours, theirs: theirs, done: make(chan struct{}), screen: vt.NewEmulator(width, height)}
	tt.screen.SetCallbacks(vt.Callbacks{AltScreen: func(on bool) { tt.alt = on }})
	if err := pty.Setsize(ours, size(width, height)); err != nil {
		t.Fatal(err)
	}
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	} else {
		cmd.Env = append([]string{"TERM=xterm-256color"}, cmd.Env...)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	through := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { tt.read(through) })
	readers.Go(func() { _, _ = io.Copy(ours, tt.screen) }) // what a terminal answers, such as where its cursor is
	go func() {
		tt.err = cmd.Wait()
		_, _ = theirs.WriteString(drained)
		<-through
		close(tt.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-tt.done
		_ = tt.screen.InputPipe().(io.Closer).Close() // ends what it answers
		_ = theirs.Close()
		_ = ours.Close()
		readers.Wait()
	})
	return tt
}

func size(width, height int) *pty.Winsize {
	return &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}
}

// read puts what the command writes on the screen, and says when the last of it is there.
func (t *Terminal) read(through chan<- struct{}) {
	var once sync.Once
	defer once.Do(func() { close(through) }) // the line broke
	buf := make([]byte, 4096)
	for {
		n, err := t.ours.Read(buf)
		t.mu.Lock()
		_, _ = t.screen.Write(buf[:n])
		t.output.Write(buf[:n])
		end := strings.HasSuffix(t.output.String(), drained)
		t.mu.Unlock()
		if end {
			once.Do(func() { close(through) })
		}
		if err != nil {
			return
		}
	}
}

// Type sends keys, or text as if it were typed.
func (t *Terminal) Type(keys ...string) {
	t.t.Helper()
	for _, key := range keys {
		if _, err := t.ours.WriteString(key); err != nil {
			t.t.Fatalf("type %q: %v", key, err)
		}
	}
}

// Paste sends text the way terminals paste it into programs that asked for brackets around it.
func (t *Terminal) Paste(text string) {
	t.t.Helper()
	t.Type("\x1b[200~" + text + "\x1b[201~")
}

// Resize changes the size of the terminal; the command is told.
func (t *Terminal) Resize(width, height int) {
	t.t.Helper()
	t.mu.Lock()
	t.screen.Resize(width, height)
	t.mu.Unlock()
	if err := pty.Setsize(t.ours, size(width, height)); err != nil {
		t.t.Fatal(err)
	}
}

// Screen is what the screen shows, without the spaces at the ends of its rows.
func (t *Terminal) Screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := strings.Split(t.screen.String(), "\n")
	for i, row := range rows {
		rows[i] = strings.TrimRight(row, " \r")
	}
	return strings.Join(rows, "\n")
}

// Output is all that was written so far, escapes included.
func (t *Terminal) Output() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSuffix(t.output.String(), drained)
}

// AltScreen reports whether the alternate screen is shown.
func (t *Terminal) AltScreen() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.alt
}

// Modes are the modes of the line: two are deeply equal when echo, buffering and the rest are the same.
func (t *Terminal) Modes() *term.State {
	t.t.Helper()
	state, err := term.GetState(int(t.theirs.Fd()))
	if err != nil {
		t.t.Fatal(err)
	}
	return state
}

// WaitFor waits until a row of the screen has a text, and fails the test when the command ends or Patience does before.
func (t *Terminal) WaitFor(text string) {
	t.t.Helper()
	t.until("see "+text, func() bool { return strings.Contains(t.Screen(), text) })
}

// WaitGone waits until no row of the screen has a text.
func (t *Terminal) WaitGone(text string) {
	t.t.Helper()
	t.until("no longer see "+text, func() bool { return !strings.Contains(t.Screen(), text) })
}

func (t *Terminal) until(what string, ok func() bool) {
	t.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(Patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-t.done:
			if !ok() {
				t.t.Fatalf("the command ended (%v) before I could %s; the screen:\n%s", t.err, what, t.Screen())
			}
		case <-deadline:
			t.t.Fatalf("waited in vain to %s; the screen:\n%s", what, t.Screen())
		}
	}
}

// Wait waits for the end of the command. Its error is that of exec.Cmd.Wait: nil for exit code 0.
func (t *Terminal) Wait() error {
	t.t.Helper()
	select {
	case <-t.done:
		return t.err
	case <-time.After(Patience):
		t.t.Fatalf("the command does not end; the screen:\n%s", t.Screen())
		return nil
	}
}
