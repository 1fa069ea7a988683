package diag

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/msgen-dev/msgen/schema/source"
)

// Options say how findings are rendered.
type Options struct {
	// Color adds ANSI colours.
	Color bool
	// Width is the terminal's width in columns: longer source lines are cut around what they show. 0 stands for 400, so that a spec
	// in one line stays readable.
	Width int
}

// tab is the width of a tab stop in rendered source lines.
const tab = 4

// Render writes findings as compilers do: each with its source line, a caret below what is wrong, and what to do.
func Render(w io.Writer, list List, opts Options) error {
	out := bufio.NewWriter(w)
	for i := range list {
		if i > 0 {
			_ = out.WriteByte('\n')
		}
		r := renderer{out: out, opts: opts}
		r.diagnostic(&list[i])
	}
	return out.Flush()
}

// Summary counts findings: "2 errors, 1 warning"; "no findings" when there are none.
func Summary(list List) string {
	errors, warnings := 0, 0
	for i := range list {
		if list[i].Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	var parts []string
	if errors > 0 {
		parts = append(parts, count(errors, "error"))
	}
	if warnings > 0 {
		parts = append(parts, count(warnings, "warning"))
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// ANSI styles.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	blue   = "\x1b[1;34m"
	cyan   = "\x1b[1;36m"
)

type renderer struct {
	out    *bufio.Writer
	opts   Options
	gutter int
}

// mark is a label on one source line.
type mark struct {
	label   Label
	primary bool
}

func (r *renderer) diagnostic(d *Diagnostic) {
	head, style := d.Severity.String(), red
	if d.Severity == Warning {
		style = yellow
	}
	if d.ID != "" {
		head += "[" + d.ID + "]"
	}
	r.line(r.paint(style, head) + r.paint(bold, ": "+printable(d.Message)))
	if d.Primary.Span.IsZero() {
		if d.Help != "" {
			r.line(r.paint(blue, "  = ") + r.paint(cyan, "help") + ": " + printable(d.Help))
		}
		return
	}
	marks := []mark{{d.Primary, true}}
	var elsewhere []Label
	for _, s := range d.Secondary {
		switch {
		case s.Span.IsZero():
		case s.Span.File == d.Primary.Span.File:
			marks = append(marks, mark{s, false})
		default:
			elsewhere = append(elsewhere, s)
		}
	}
	sort.SliceStable(marks, func(i, j int) bool { return marks[i].label.Span.Start.Before(marks[j].label.Span.Start) })
	r.gutter = len(strconv.Itoa(marks[len(marks)-1].label.Span.Start.Line))
	r.location(d.Primary.Span)
	r.snippet(d.Primary.Span.File, marks, style)
	for _, s := range elsewhere {
		r.location(s.Span)
		r.snippet(s.Span.File, []mark{{s, false}}, blue)
	}
	r.help(d.Help)
}

func (r *renderer) location(s source.Span) {
	r.line(strings.Repeat(" ", r.gutter) + r.paint(blue, "--> ") + printable(s.File.Name) + fmt.Sprintf(":%d:%d", s.Start.Line, s.Start.Col))
}

func (r *renderer) snippet(file *source.File, marks []mark, style string) {
	r.bar("")
	last := 0
	for i := 0; i < len(marks); {
		n := marks[i].label.Span.Start.Line
		if last != 0 && n > last+1 {
			r.line(r.paint(blue, "..."))
		}
		last = n
		j := i
		for j < len(marks) && marks[j].label.Span.Start.Line == n {
			j++
		}
		r.source(file, n, marks[i:j], style)
		i = j
	}
}

// source prints one line and below it each of its labels, the leftmost first.
func (r *renderer) source(file *source.File, n int, marks []mark, style string) {
	text, columns := expand(file.Shown(n))
	from, to := r.window(columns, marks)
	shown, shift := cut(text, from, to)
	r.line(r.paint(blue, fmt.Sprintf("%*d |", r.gutter, n)) + spaced(shown))
	for _, m := range marks {
		start, end := extent(columns, m.label.Span, n)
		sign, color := "^", style
		if !m.primary {
			sign, color = "-", blue
		}
		underline := strings.Repeat(sign, max(end-start, 1))
		if m.label.Text != "" {
			underline += " " + printable(m.label.Text)
		}
		r.bar(" " + strings.Repeat(" ", max(start-shift, 0)) + r.paint(color, underline))
	}
}

// window is the stretch of columns that is shown: the whole line, or as much as fits the terminal around the first label.
func (r *renderer) window(columns []int, marks []mark) (from, to int) {
	width := columns[len(columns)-1]
	room := r.opts.Width - r.gutter - 4
	if r.opts.Width <= 0 {
		room = 400
	}
	if room < 20 || width <= room {
		return 0, width
	}
	start, _ := extent(columns, marks[0].label.Span, marks[0].label.Span.Start.Line)
	for _, m := range marks {
		if m.primary {
			start, _ = extent(columns, m.label.Span, m.label.Span.Start.Line)
		}
	}
	from = max(0, min(start-room/3, width-room))
	return from, from + room
}

// cut is the columns [from, to) of a text, with dots where something was left out; shift is how far the text moved to the left.
func cut(text []cell, from, to int) (shown string, shift int) {
	var b strings.Builder
	width := 0
	for _, c := range text {
		width += c.width
	}
	column := 0
	for _, c := range text {
		switch {
		case column < from || column+c.width > to:
		case from > 0 && column < from+3, to < width && column+c.width > to-3:
			b.WriteString(strings.Repeat(".", c.width))
		default:
			b.WriteRune(c.r)
		}
		column += c.width
	}
	return strings.TrimRight(b.String(), " "), from
}

// cell is a rune as shown and the columns it takes.
type cell struct {
	r     rune
	width int
}

// expand turns tabs into blanks and control characters into a mark. columns[i] is the column at which rune i of the line starts; the last
// is the line's width.
func expand(line string) (cells []cell, columns []int) {
	column := 0
	for _, r := range line {
		columns = append(columns, column)
		if r == '\t' {
			for n := tab - column%tab; n > 0; n-- {
				cells = append(cells, cell{' ', 1})
				column++
			}
			continue
		}
		if unicode.IsControl(r) {
			r = '\uFFFD'
		}
		w := runeWidth(r)
		cells = append(cells, cell{r, w})
		column += w
	}
	return cells, append(columns, column)
}

// extent is the columns of a span on its first line.
func extent(columns []int, s source.Span, line int) (start, end int) {
	at := func(col int) int { return columns[min(max(col-1, 0), len(columns)-1)] }
	start = at(s.Start.Col)
	if s.End.Line > line {
		return start, columns[len(columns)-1]
	}
	return start, at(s.End.Col)
}

// runeWidth is how many columns a rune takes: 0 for combining marks, 2 for wide East Asian characters and emoji.
// The ranges are those of Unicode's East Asian Width W and F.
func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf && r != 0x303f, r >= 0xa960 && r <= 0xa97f,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f6ff, r >= 0x1f900 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

func (r *renderer) help(text string) {
	if text == "" {
		return
	}
	r.bar("")
	r.line(strings.Repeat(" ", r.gutter+1) + r.paint(blue, "= ") + r.paint(cyan, "help") + ": " + printable(text))
}

func (r *renderer) bar(text string) {
	r.line(strings.Repeat(" ", r.gutter+1) + r.paint(blue, "|") + text)
}

// line writes a line; errors surface at Flush.
func (r *renderer) line(text string) {
	_, _ = r.out.WriteString(text)
	_ = r.out.WriteByte('\n')
}

func (r *renderer) paint(style, text string) string {
	if !r.opts.Color || text == "" {
		return text
	}
	return style + text + reset
}

func spaced(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

// printable keeps text from the spec from moving the cursor or colouring the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
