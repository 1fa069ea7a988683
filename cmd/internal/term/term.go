// Package term knows what the command is connected to: whether there is a person to prompt, to print colours for and to tell what takes long.
package term

import (
	"io"
	"os"

	"golang.org/x/term"
)

// IO is where a command reads and writes. Results go to Out; progress, hints and prompts to Err.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	// Getenv reads the environment; nil reads none.
	Getenv func(string) string

	progress *progress // nil where nobody would see it
}

// CanPrompt reports that a person is there: both stdin and stdout are terminals.
func (t IO) CanPrompt() bool { return isTerminal(t.In) && isTerminal(t.Out) }

// Color reports whether w takes colours: it is a terminal and NO_COLOR is not set, or CLICOLOR_FORCE is.
// See https://no-color.org and https://bixense.com/clicolors.
func (t IO) Color(w io.Writer) bool {
	if t.env("NO_COLOR") != "" {
		return false
	}
	if force := t.env("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return isTerminal(w) && t.env("TERM") != "dumb"
}

// Width is the width of w in columns; 0 when it is not a terminal.
func (t IO) Width(w io.Writer) int {
	f, ok := file(w)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

func (t IO) env(name string) string {
	if t.Getenv == nil {
		return ""
	}
	return t.Getenv(name)
}

func isTerminal(v any) bool {
	f, ok := file(v)
	return ok && term.IsTerminal(int(f.Fd()))
}

// file is the file that is read or written, also behind what erases the line of progress.
func file(v any) (*os.File, bool) {
	if e, ok := v.(erasing); ok {
		return e.file, true
	}
	f, ok := v.(*os.File)
	return f, ok
}
