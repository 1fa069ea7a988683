package outbox

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

func (t *term) hasRoom() bool {
	return len(t.held) <= 4*t.opts.Window-t.batch && t.bytes < memory
}

// fill asks for what is new when it is time to, and makes sure that the lead is still ours.
func (t *term) fill(now time.Time, nudged bool) {
	if t.reading {
		t.again = t.again || nudged
		return
	}
	if nudged {
		t.hurry(now)
	}
	switch room := t.hasRoom(); {
	case room && !now.Before(t.nextSweep): // first of all when the term begins: it tells which keys are parked
		t.ask(question{kind: askSweep, cursor: t.cursor, limit: t.batch, ids: slices.Collect(maps.Keys(t.held))})
	case room && !now.Before(t.nextRead):
		q := question{kind: askRead, cursor: t.cursor, limit: t.batch, doubt: t.gaps.doubt != nil, number: t.gaps.unstamped(now)}
		if q.doubt {
			q.ids = slices.Collect(maps.Keys(t.held))
		} else {
			q.ids = slices.Collect(maps.Keys(t.gaps.ids))
		}
		t.ask(q)
	case now.Sub(t.checked) >= checkEvery:
		t.ask(question{kind: askLead})
	}
}

func (t *term) ask(q question) {
	t.reading = true
	t.rd.questions <- q
}

// answered takes in what was asked for.
func (t *term) answered(a answer) error {
	t.reading = false
	if a.err != nil {
		return fmt.Errorf("%s outbox: %w", a.kind, a.err)
	}
	t.checked = a.asked
	switch a.kind {
	case askRead:
		t.read(a)
	case askSweep:
		t.swept(a)
	}
	for _, c := range t.limbo {
		t.settled(c)
	}
	t.limbo = nil
	if t.again {
		t.again = false
		t.hurry(a.at)
	}
	return nil
}

// hurry has the next read done now, or soon if the last one was a moment ago.
func (t *term) hurry(now time.Time) {
	at := t.lastRead.Add(t.rest)
	if at.Before(now) {
		at = now
	}
	if at.Before(t.nextRead) {
		t.nextRead = at
	}
}

// read takes in the rows above the cursor and those that have appeared in gaps.
func (t *term) read(a answer) {
	for _, r := range a.filled {
		delete(t.gaps.ids, r.id)
		t.take(r)
	}
	t.lastRead, t.rest = a.at, readPause
	if a.doubt {
		t.rest = max(readPause, 4*a.at.Sub(a.asked)) // it may be much to look through, for as long as somebody's transaction goes on
		if len(a.filled) == a.limit {
			t.nextRead = a.at // there is more of it, to be known before what comes after
			return
		}
	}
	if a.oldest != 0 {
		t.gaps.close(a)
	}
	bytes := 0
	for _, r := range a.rows {
		bytes += r.size()
		t.gaps.note(r.id, a.at)
		t.cursor = r.id
		t.take(r)
	}

	full := len(a.rows) == a.limit
	switch {
	case full: // there is more
		t.nextRead, t.poll = a.at, t.opts.PollMin
	case len(a.rows)+len(a.filled) > 0, t.gaps.open() && a.at.Sub(t.gaps.last) < t.opts.Sweep:
		t.nextRead, t.poll = a.at.Add(t.opts.PollMin), t.opts.PollMin
	default:
		t.poll = min(2*t.poll, t.opts.PollMax)
		t.nextRead = a.at.Add(t.poll)
	}
	if t.gaps.doubt != nil {
		t.nextRead = later(t.nextRead, a.at.Add(t.rest))
	}
	if bytes > readBytes {
		t.batch = max(1, t.batch/2)
	} else if full {
		t.batch = min(2*t.batch, readRows, t.opts.Window)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// swept takes in the rows that reads have passed by, and the keys that were parked or are no longer.
func (t *term) swept(a answer) {
	t.nextSweep = a.at.Add(max(t.opts.Sweep, 10*a.at.Sub(a.asked))) // never more than a tenth of the time
	for k, id := range a.parked {
		if t.parked[k] == nil {
			t.parked[k] = &parkedKey{id: id, written: true}
		}
	}
	for k, p := range t.parked {
		if _, still := a.parked[k]; p.written && !still {
			// Someone retried or dropped it. Read again from there, so that what waited comes before what is new.
			delete(t.parked, k)
			t.cursor = min(t.cursor, p.id-1)
			t.nextRead = a.at
		}
	}
	for _, r := range a.rows {
		if r.id <= t.cursor { // else the read that follows brings it, in order
			t.take(r)
		}
	}
}

// take holds a row, unless it is held already or its key is parked.
func (t *term) take(r *row) {
	if t.held[r.id] != nil || t.isParked(r) {
		return
	}
	t.add(r)
}

func (t *term) isParked(r *row) bool {
	return len(t.parked) > 0 && r.text(colKey) != "" && t.parked[laneKey{r.topic, r.text(colKey)}] != nil
}
