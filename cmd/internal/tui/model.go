package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// field is where a question is answered. Fields are values: update gives back another one.
type field interface {
	// update takes a key; it reports false for a key that is the interview's.
	update(tea.KeyMsg) (field, bool)
	// values is the answer that stands there, never nil.
	values() []string
	// view draws it in at most width columns and height rows, the place of the cursor among them.
	view(st styles, width, height int) []string
	keys() []key.Binding
}

// model is the state of an interview. It is a value: Update gives back another one, and nothing that it refers to is changed.
type model struct {
	iv            Interview
	style         styles
	width, height int

	entries map[string]entry // of the questions that were left
	asked   []int            // the questions that are asked, given these
	at      int              // the question on the screen; after them all comes the last screen
	before  Answers          // what that question is given
	field   field            // nil on the last screen
	tried   bool             // to go on from it: then its fault is shown, until it is mended
	fault   string
	leaving bool // esc was typed at the first question

	preview preview
	big     bool // the preview stands alone

	submit  confirm // the last screen's question
	waiting bool    // it was answered with yes before the preview was there
	refused bool    // … and the preview has errors

	result Answers // of an interview that came to its end
}

func newModel(iv Interview, st styles) model {
	m := model{iv: iv, style: st, entries: map[string]entry{}, submit: confirm{yes: true}}
	m = m.resized(0, 0)
	m.at = -1
	m = m.show(m.following(m.settle().asked))
	m.preview = m.preview.want(m.with(true).answers)
	m.preview.running = m.iv.Preview != nil
	return m
}

// resized is the model in a terminal of another size. One that does not know its size is taken for the usual one.
func (m model) resized(width, height int) model {
	if width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	m.width, m.height = width, height
	return m
}

func (m model) onLast() bool { return m.at >= len(m.iv.Questions) }

func (m model) first() bool {
	_, ok := m.previous()
	return !ok
}

// show puts a question on the screen.
func (m model) show(i int) model {
	m.at, m.tried, m.fault, m.leaving, m.big, m.waiting, m.refused = i, false, "", false, false, false, false
	m.preview.moved = m.preview.moved && i < len(m.iv.Questions)
	m.asked = m.settle().asked
	m.before = settle(m.iv, m.entries, i).answers
	m.field = nil
	if m.onLast() {
		return m
	}
	q := m.iv.Questions[i]
	if e, ok := m.entries[q.Name]; ok {
		m.field = q.field(m.before, e.values)
	} else {
		m.field = q.field(m.before, q.defaults(m.before))
	}
	return m
}

// Init computes the first preview.
func (m model) Init() tea.Cmd {
	if m.iv.Preview == nil {
		return nil
	}
	return m.preview.compute(m.iv.Preview)
}

// Update takes a message.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		return m.resized(msg.Width, msg.Height), nil
	case previewed:
		return m.previewed(msg)
	case tea.KeyMsg:
		return m.key(msg)
	}
	return m, nil
}

func (m model) key(k tea.KeyMsg) (tea.Model, tea.Cmd) {
	if k.Type == tea.KeyCtrlJ {
		k.Type = tea.KeyEnter // it was typed before the terminal was ours
	}
	leaving := m.leaving
	m.leaving = false
	switch {
	case isAny(k, keys.cancel):
		return m, tea.Quit
	case isAny(k, keys.suspend):
		return m, tea.Suspend
	case m.tooSmall():
		return m, nil // nobody sees what it would do
	case isAny(k, keys.pageUp):
		return m.scroll(-1, true), nil
	case isAny(k, keys.pageDown):
		return m.scroll(1, true), nil
	case m.onLast():
		return m.lastKey(k)
	case m.big:
		return m.bigKey(k), nil
	case isAny(k, keys.preview):
		m.big = m.iv.Preview != nil
		return m, nil
	}
	f, took := m.field.update(k)
	switch {
	case took:
		m.field = f
		// A line that was entered is checked at once, not only when all are.
		m.tried = m.tried || m.iv.Questions[m.at].Kind == Lines && k.Type == tea.KeyEnter
		return m.changed()
	case isAny(k, keys.next):
		return m.next()
	case isAny(k, keys.back):
		if m.first() {
			if leaving && isAny(k, keys.leave) {
				return m, tea.Quit
			}
			m.leaving = true
			return m, nil
		}
		return m.back()
	}
	return m, nil
}

// check says what is wrong with the answer on the screen, when the person has tried to go on with it.
func (m model) check() model {
	m.fault = ""
	if err := m.iv.Questions[m.at].check(m.before, m.field.values()); err != nil && m.tried {
		m.fault = err.Error()
	}
	return m
}

// next goes on from the question on the screen.
func (m model) next() (tea.Model, tea.Cmd) {
	m.tried = true
	if m = m.check(); m.fault != "" {
		return m, nil
	}
	s := m.with(true)
	m.entries = s.entries
	return m.show(m.following(s.asked)).changed()
}

// back goes to the question before. What stands on the screen is kept; it counts once it is gone on with.
func (m model) back() (tea.Model, tea.Cmd) {
	at, ok := m.previous()
	if !ok {
		return m, nil
	}
	if !m.onLast() {
		m.entries = m.with(m.entries[m.iv.Questions[m.at].Name].entered).entries
	}
	return m.show(at).changed()
}

// changed follows a change of the answers: the fault and the preview.
func (m model) changed() (tea.Model, tea.Cmd) {
	if !m.onLast() {
		m = m.check()
	}
	if m.iv.Preview == nil {
		return m, nil
	}
	m.preview = m.preview.want(m.with(true).answers)
	if m.preview.running || m.preview.fresh() {
		return m, nil
	}
	m.preview.running = true
	return m, m.preview.compute(m.iv.Preview)
}
