package tui

import (
	"fmt"
	"maps"
	"slices"
)

// entry is what stands at a question that was left.
type entry struct {
	values []string
	// entered: the person went on from it, so it counts while it passes its check. Otherwise it waits to be gone on with.
	entered bool
	// byDefault: it is the default, and follows it when earlier answers change.
	byDefault bool
}

func (q Question) options(a Answers) []Option {
	if q.Options == nil {
		return nil
	}
	return q.Options(a)
}

func (q Question) asked(given, a Answers) bool {
	if _, ok := given[q.Name]; ok {
		return false
	}
	return q.When == nil || q.When(a)
}

func (q Question) check(a Answers, values []string) error {
	if q.Check == nil {
		return nil
	}
	return q.Check(a, values)
}

// defaults is what stands at the question first, as its field would give it back.
func (q Question) defaults(a Answers) []string {
	var values []string
	if q.Default != nil {
		values = q.Default(a)
	}
	return q.field(a, values).values()
}

// field makes the field of a question.
func (q Question) field(a Answers, values []string) field {
	switch q.Kind {
	case Lines:
		return newLines(values, q.Hint)
	case Choice:
		return newChoice(q.options(a), values)
	case Choices:
		return newChoices(q.options(a), values)
	case Confirm:
		return newConfirm(values)
	default:
		return newText(values, q.Hint)
	}
}

// fits reduces values to those that can be answers still; false when there is no answer left.
func (q Question) fits(a Answers, values []string) ([]string, bool) {
	if q.Kind != Choice && q.Kind != Choices {
		return values, true
	}
	options := q.options(a)
	kept := slices.DeleteFunc(slices.Clone(values), func(v string) bool {
		return !slices.ContainsFunc(options, func(o Option) bool { return o.Value == v })
	})
	return kept, q.Kind == Choices || len(kept) == len(values) && (len(kept) > 0) == (len(options) > 0)
}

// settled are entries and what follows from them.
type settled struct {
	entries map[string]entry
	answers Answers // those that pass, and those that were given
	asked   []int   // the questions that are asked
	open    []int   // … and have no answer that passes
}

// settle goes through the first n questions and drops the entries that the ones before them no longer allow: those of questions that
// are not asked any more, and options that are gone.
func settle(iv Interview, entries map[string]entry, n int) settled {
	s := settled{entries: map[string]entry{}, answers: Answers{}}
	maps.Copy(s.answers, iv.Given)
	for i, q := range iv.Questions[:n] {
		if !q.asked(iv.Given, s.answers) {
			continue
		}
		s.asked = append(s.asked, i)
		if e, ok := entries[q.Name]; ok && s.take(q, e) {
			continue
		}
		s.open = append(s.open, i)
	}
	return s
}

// take keeps an entry that fits; it reports whether it is an answer that passes.
func (s settled) take(q Question, e entry) bool {
	if e.byDefault {
		e.values = q.defaults(s.answers)
	}
	values, ok := q.fits(s.answers, e.values)
	if !ok {
		return false
	}
	e.values = values
	s.entries[q.Name] = e
	if !e.entered || q.check(s.answers, values) != nil {
		return false
	}
	s.answers[q.Name] = values
	return true
}

// settle is what follows from the entries of all questions.
func (m model) settle() settled { return settle(m.iv, m.entries, len(m.iv.Questions)) }

// with is what follows when the answer on the screen is added.
func (m model) with(entered bool) settled {
	if m.onLast() {
		return m.settle()
	}
	q, values := m.iv.Questions[m.at], m.field.values()
	m.entries = maps.Clone(m.entries)
	m.entries[q.Name] = entry{values: values, entered: entered, byDefault: slices.Equal(values, q.defaults(m.before))}
	return m.settle()
}

// following is the next question that is asked; the last screen after them all.
func (m model) following(asked []int) int {
	for _, i := range asked {
		if i > m.at {
			return i
		}
	}
	return len(m.iv.Questions)
}

// previous is the question that was asked before; false when there is none.
func (m model) previous() (int, bool) {
	i := slices.IndexFunc(m.asked, func(i int) bool { return i >= m.at })
	if i < 0 {
		i = len(m.asked)
	}
	if i == 0 {
		return 0, false
	}
	return m.asked[i-1], true
}

// progress is the place of the question on the screen among those that are asked, such as "3 of 11".
func (m model) progress() string {
	if m.onLast() {
		return "last step"
	}
	return fmt.Sprintf("%d of %d", slices.Index(m.asked, m.at)+1, len(m.asked))
}
