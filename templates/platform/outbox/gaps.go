package outbox

import "time"

// gaps are the ids that reads have passed by because no row was there: rolled back, or of transactions that go on. A row that appears in one has
// to be seen by the very read that sees a later row of its key, or the key's order is lost. So a gap is looked at in every read until no transaction
// is left that it may be of, however long that takes.
type gaps struct {
	ids   map[int64]gap
	doubt *gap // ids beside those of the map may be gaps too: everything below the cursor is looked at
	top   int64
	last  time.Time // a gap was noted
}

// gap was passed by at a time. Its transaction has a number below before, once that is not 0.
type gap struct {
	since  time.Time
	before int64
}

const (
	maxGaps = 1000 // more are not counted one by one
	// An insert takes its id from the sequence a moment before its transaction has a number of its own.
	gapMargin = 100 * time.Millisecond
)

// note remembers the ids between the highest read so far and id, which was read at now.
func (g *gaps) note(id int64, now time.Time) {
	if id <= g.top {
		return
	}
	from := g.top + 1
	g.top = id
	switch {
	case from == id:
		return
	case from == 1, len(g.ids)+int(id-from) > maxGaps: // the first read of a term: what was before is not known
		g.doubt = &gap{since: now}
	default:
		for ; from < id; from++ {
			g.ids[from] = gap{since: now}
		}
	}
	g.last = now
}

// open reports whether there is anything to look at.
func (g *gaps) open() bool { return len(g.ids) > 0 || g.doubt != nil }

// close gives up the gaps whose transactions have all ended, and which the answer did not fill: those are rolled back.
func (g *gaps) close(a answer) {
	for id, at := range g.ids {
		if at.ended(a) {
			delete(g.ids, id)
		} else {
			g.ids[id] = at
		}
	}
	if g.doubt != nil && g.doubt.ended(a) {
		g.doubt = nil
	}
}

// ended reports whether, when a was asked for, all transactions had ended that were there when the gap was noted.
func (g *gap) ended(a answer) bool {
	if g.before != 0 {
		return a.oldest >= g.before
	}
	if g.old(a.asked) {
		g.before = a.stamp
	}
	return false
}

// unstamped reports whether it is time to find out which transactions there are.
func (g *gaps) unstamped(now time.Time) bool {
	for _, at := range g.ids {
		if at.before == 0 && at.old(now) {
			return true
		}
	}
	return g.doubt != nil && g.doubt.before == 0 && g.doubt.old(now)
}

func (g *gap) old(now time.Time) bool { return now.Sub(g.since) >= gapMargin }
