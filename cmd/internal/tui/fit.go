package tui

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// clean makes a line of foreign text safe to draw: it has no escapes and nothing that moves the cursor.
func clean(s string) string {
	s = strings.ReplaceAll(ansi.Strip(s), "\t", "    ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
}

// split are the lines of a foreign text, clean.
func split(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return lines
}

// prose is a text in lines of at most width columns, broken between words.
func prose(text string, width int) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var lines []string
	for _, line := range split(text) {
		lines = append(lines, strings.Split(ansi.Wrap(line, width, ""), "\n")...)
	}
	return lines
}

// cut shortens a line to width columns and shows that it did.
func cut(line string, width int) string {
	if ansi.StringWidth(line) <= width {
		return line
	}
	if width < 2 {
		return ansi.Truncate(line, width, "")
	}
	return ansi.Truncate(line, width, "…")
}

// pad fills a line up to width columns.
func pad(line string, width int) string {
	return line + strings.Repeat(" ", max(0, width-ansi.StringWidth(line)))
}

// ends puts one text at the left and one at the right of a line; where there is no room for both the right one stays.
func ends(left, right string, width int) string {
	room := width - ansi.StringWidth(right) - 1
	if right == "" || room < 1 {
		return cut(left, width)
	}
	return pad(cut(left, room), room+1) + right
}

// last are the columns at the end of a line, at most width.
func last(s string, width int) string {
	over := ansi.StringWidth(s) - width
	if over <= 0 {
		return s
	}
	out := ansi.TruncateLeft(s, over, "")
	if ansi.StringWidth(out) > width { // a wide rune on the border
		out = ansi.TruncateLeft(s, over+1, "")
	}
	return out
}

// window is the first of the n rows that are shown in height ones so that row at is among them.
func window(at, n, height int) int {
	return max(0, min(at-height/2, n-height))
}
