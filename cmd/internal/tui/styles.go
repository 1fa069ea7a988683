package tui

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// styles are how the parts look. The sixteen colours of the terminal's own theme are enough, and right on light and dark ones.
type styles struct {
	color                                     bool
	plain, title, faint, chosen, cursor, rule lipgloss.Style
	fault, warning, note                      lipgloss.Style
	added, removed, hunk                      lipgloss.Style
}

func newStyles(color bool) styles {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetHasDarkBackground(true) // no style asks; without it the first that did would ask the terminal
	r.SetColorProfile(termenv.Ascii)
	if color {
		r.SetColorProfile(termenv.ANSI)
	}
	fg := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return styles{
		color: color,
		plain: r.NewStyle(), title: r.NewStyle().Bold(true), faint: r.NewStyle().Faint(true), rule: r.NewStyle().Faint(true),
		chosen: fg("6").Bold(true), cursor: r.NewStyle().Reverse(true),
		fault: fg("1").Bold(true), warning: fg("3"), note: fg("6"),
		added: fg("2"), removed: fg("1"), hunk: fg("6"),
	}
}
