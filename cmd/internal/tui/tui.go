// Package tui interviews a person in the terminal: one question a screen, with a live preview of what the answers make. It knows
// nothing of specs; a command gives the questions, and the answers go the way of its flags.
package tui

import (
	"context"
	"errors"
	"io"
	"os"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"github.com/msgen-dev/msgen/cmd/internal/tui/quiet"
)

var _ = quiet.Restore()

// ErrCancelled is what Run returns when the person leaves before the end.
var ErrCancelled = errors.New("cancelled: nothing was written")

// Kind is how a question is answered.
type Kind int

// The kinds.
const (
	Text    Kind = iota // one line
	Lines               // any number of lines, each an answer
	Choice              // one of the options
	Choices             // any number of the options, in the order of the options
	Confirm             // "true" or "false"
)

// Option is one answer to choose.
type Option struct {
	Value string
	Help  string // a few words beside it
}

// Answers are the answers by the question's name. A question that was not asked is missing; one that was left empty is there, empty.
type Answers map[string][]string

// One is the first answer to a question; "" when there is none.
func (a Answers) One(name string) string {
	if len(a[name]) == 0 {
		return ""
	}
	return a[name][0]
}

// Question is one question of an interview. Its functions are called often, so they are quick; they are given the answers to the
// questions before it and all that flags gave.
type Question struct {
	Name  string // of the answer, and of the flag that gives it without being asked
	Title string // the question
	Help  string // a line or two below it
	Kind  Kind
	Hint  string // an example shown in an empty field
	// Options are what a Choice or Choices chooses from. A Choice without options has an empty answer.
	Options func(Answers) []Option
	// Default is what stands there first; nil for nothing, which for a Choice is the first option and for a Confirm "false".
	Default func(Answers) []string
	// Check says what is wrong with an answer. The text is shown at the question, which stays until it is mended; nil takes anything.
	Check func(Answers, []string) error
	// When says whether the question is asked; nil for always.
	When func(Answers) bool
}

// Severity says how bad a finding is.
type Severity int

// The severities, mildest first.
const (
	Note Severity = iota
	Warning
	Error
)

// Finding is something to say about the answers. Its text may have several lines.
type Finding struct {
	Severity Severity
	Text     string
}

// Preview is what the answers so far would do.
type Preview struct {
	Title    string
	Diff     string // a unified diff
	Findings []Finding
}

// Interview is a list of questions and what is made of the answers.
type Interview struct {
	Title     string
	Questions []Question
	// Given are the answers that flags gave: shown, neither asked nor checked.
	Given Answers
	// Preview is what the answers so far would do; nil for none. It is given the answers that pass their checks, the one that is being
	// typed included, and runs beside the interview, one call at a time: it must not change what others read.
	Preview func(Answers) Preview
	// Submit is the question of the last screen, such as "Write msgen.yaml and generate?".
	Submit string
}

// Options are how an interview looks.
type Options struct {
	Color bool // without it there are no styles at all, not even bold ones
}

// Run asks the questions in the terminal that in and out are. It returns the answers, those of Given included; ErrCancelled when the
// person leaves or the process is told to end; the error of ctx when that ends first. It draws on the alternate screen and leaves
// nothing behind.
func Run(ctx context.Context, in io.Reader, out io.Writer, opts Options, iv Interview) (Answers, error) {
	m := newModel(iv, newStyles(opts.Color))
	if f, ok := out.(*os.File); ok {
		// The first picture is drawn before bubbletea tells the size.
		if width, height, err := term.GetSize(int(f.Fd())); err == nil {
			m = m.resized(width, height)
		}
	}
	end, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithAltScreen()).Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, tea.ErrInterrupted):
		return nil, ErrCancelled
	case err != nil:
		return nil, err
	}
	if m, ok := end.(model); ok && m.result != nil {
		return m.result, nil
	}
	return nil, ErrCancelled
}
