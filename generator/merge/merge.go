// Package merge merges texts three ways, line by line, as diff3 does: what was generated last, what its reader made of it, and what is generated
// now. No line of the reader's is lost: it is in the result, or between the markers of a conflict.
package merge

import (
	"bytes"
	"slices"
	"strings"
)

// The names of the three texts in the markers of a conflict.
const (
	Yours = "yours"
	Base  = "last generated"
	New   = "new"
)

// The markers, as git writes them; each is followed by a blank and a name but for the one in the middle.
const (
	markYours  = "<<<<<<<"
	markBase   = "|||||||"
	markMiddle = "======="
	markNew    = ">>>>>>>"
)

// Result is a merged text.
type Result struct {
	Text []byte
	// Conflicts counts the places that both changed, each in its own way; they stand between markers.
	Conflicts int
}

// Merge joins what changed between base and yours with what changed between base and theirs. Lines are compared without their ends. Lines of
// yours keep their ends, new ones have those of the first line of yours; and the last line ends as it does in yours if that was changed there, else as in
// theirs.
func Merge(base, yours, theirs []byte) Result {
	m := merger{base: split(base), yours: split(yours), theirs: split(theirs)}
	numbers := map[string]int{}
	m.bn, m.yn, m.tn = intern(numbers, m.base.lines), intern(numbers, m.yours.lines), intern(numbers, m.theirs.lines)
	m.toYours, m.toTheirs = pair(len(m.bn), diff(m.bn, m.yn)), pair(len(m.bn), diff(m.bn, m.tn))
	m.end = "\n"
	if len(m.yours.ends) > 0 && m.yours.ends[0] != "" {
		m.end = m.yours.ends[0]
	}
	m.run()
	m.finish()
	return Result{Text: m.out.Bytes(), Conflicts: m.conflicts}
}

// Marker is the line, 1-based, of the first marker of a conflict in a text; 0 when there is none.
func Marker(text []byte) int {
	for i, line := range split(text).lines {
		for _, mark := range []string{markYours, markBase, markNew} {
			if strings.HasPrefix(line, mark+" ") {
				return i + 1
			}
		}
	}
	return 0
}

// text is a text in lines.
type text struct {
	lines []string // without their ends
	ends  []string // of each line: \n, \r\n, or nothing after the last one
}

func split(content []byte) text {
	var t text
	for len(content) > 0 {
		line, rest, found := bytes.Cut(content, []byte("\n"))
		content = rest
		end := ""
		if found {
			end = "\n"
			if bytes.HasSuffix(line, []byte("\r")) {
				line, end = line[:len(line)-1], "\r\n"
			}
		}
		t.lines, t.ends = append(t.lines, string(line)), append(t.ends, end)
	}
	return t
}

// open reports that the text's last line has no end.
func (t text) open() bool { return len(t.ends) > 0 && t.ends[len(t.ends)-1] == "" }

// intern numbers lines, equal ones alike.
func intern(numbers map[string]int, lines []string) []int {
	list := make([]int, len(lines))
	for i, l := range lines {
		n, ok := numbers[l]
		if !ok {
			n = len(numbers)
			numbers[l] = n
		}
		list[i] = n
	}
	return list
}

// pair says for each of n lines where its equal stands, -1 when nowhere.
func pair(n int, matches []match) []int {
	to := make([]int, n)
	for i := range to {
		to[i] = -1
	}
	for _, m := range matches {
		for i := range m.n {
			to[m.a+i] = m.b + i
		}
	}
	return to
}

type merger struct {
	base, yours, theirs text
	bn, yn, tn          []int
	toYours, toTheirs   []int  // for each line of base
	end                 string // of lines that are not from yours
	out                 bytes.Buffer
	last                int // how much of the last line is its end
	conflicts           int
}

// run walks through base. A line that both kept is a fixed point; what lies between two fixed points was changed by one or by both.
func (m *merger) run() {
	b, y, t := 0, 0, 0
	for i := range m.bn {
		if m.toYours[i] < 0 || m.toTheirs[i] < 0 {
			continue
		}
		m.between(b, i, y, m.toYours[i], t, m.toTheirs[i])
		b, y, t = i+1, m.toYours[i]+1, m.toTheirs[i]+1
		m.keep(y-1, y)
	}
	m.between(b, len(m.bn), y, len(m.yn), t, len(m.tn))
}

// between decides on base[b0:b1], which became yours[y0:y1] and theirs[t0:t1].
func (m *merger) between(b0, b1, y0, y1, t0, t1 int) {
	base, yours, theirs := m.bn[b0:b1], m.yn[y0:y1], m.tn[t0:t1]
	switch {
	case slices.Equal(base, theirs), slices.Equal(yours, theirs):
		m.keep(y0, y1)
	case slices.Equal(base, yours):
		m.write(m.theirs.lines[t0:t1]...)
	default:
		m.conflicts++
		m.write(markYours + " " + Yours)
		m.keep(y0, y1)
		m.write(markBase + " " + Base)
		m.write(m.base.lines[b0:b1]...)
		m.write(markMiddle)
		m.write(m.theirs.lines[t0:t1]...)
		m.write(markNew + " " + New)
	}
}

// keep writes lines of yours as they are.
func (m *merger) keep(from, to int) {
	for i := from; i < to; i++ {
		end := m.yours.ends[i]
		if end == "" {
			end = m.end
		}
		m.line(m.yours.lines[i], end)
	}
}

func (m *merger) write(lines ...string) {
	for _, l := range lines {
		m.line(l, m.end)
	}
}

func (m *merger) line(content, end string) {
	m.out.WriteString(content)
	m.out.WriteString(end)
	m.last = len(end)
	if content == "" {
		m.last = 0 // without its end an empty line is none
	}
}

// finish takes the last line's end away if the text is to have none.
func (m *merger) finish() {
	open := m.yours.open()
	if open == m.base.open() {
		open = m.theirs.open()
	}
	if open && m.conflicts == 0 {
		m.out.Truncate(m.out.Len() - m.last)
	}
}
