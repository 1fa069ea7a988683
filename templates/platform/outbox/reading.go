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
		t.ask(question{kind: askRead, cursor: t.cursor, limit: t.batch, ids: slices.Collect(maps.Keys(t.gaps))})
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
	at := t.lastRead.Add(readPause)
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
		delete(t.gaps, r.id)
		t.take(r)
	}
	for id, since := range t.gaps {
		if a.at.Sub(since) > t.opts.Sweep {
			delete(t.gaps, id) // most likely rolled back; else a sweep finds it
		}
	}
	bytes := 0
	for _, r := range a.rows {
		bytes += r.size()
		t.noteGaps(r.id, a.at)
		t.cursor = r.id
		t.take(r)
	}

	t.lastRead = a.at
	full := len(a.rows) == a.limit
	switch {
	case full: // there is more
		t.nextRead, t.poll = a.at, t.opts.PollMin
	case len(a.rows)+len(a.filled)+len(t.gaps) > 0:
		t.nextRead, t.poll = a.at.Add(t.opts.PollMin), t.opts.PollMin
	default:
		t.poll = min(2*t.poll, t.opts.PollMax)
		t.nextRead = a.at.Add(t.poll)
	}
	if bytes > readBytes {
		t.batch = max(1, t.batch/2)
	} else if full {
		t.batch = min(2*t.batch, readRows, t.opts.Window)
	}
}

// noteGaps remembers the ids between the highest read so far and id: their transactions may still commit.
func (t *term) noteGaps(id int64, now time.Time) {
	if id <= t.top {
		return
	}
	if t.top > 0 && id-t.top <= maxGaps {
		for gap := t.top + 1; gap < id && len(t.gaps) < maxGaps; gap++ {
			t.gaps[gap] = now
		}
	}
	t.top = id
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
