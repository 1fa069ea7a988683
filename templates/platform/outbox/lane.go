package outbox

import (
	"slices"
	"time"
)

// laneKey is what messages are kept in order by. Messages with no key ask for no order: each has a lane of its own.
type laneKey struct{ topic, key string }

// lane holds the messages of one key in order of id. At most one is with the publisher, the first. It costs a hot
// key one broker round trip a message and buys order under every failure with any broker: a client that had m2 in
// flight behind m1 could still deliver it when m1 fails, for the failure is known to us later than to the client.
type lane struct {
	key   laneKey
	queue []*row
	busy  bool      // the first is with the publisher
	ready bool      // is in the list of ready lanes
	until time.Time // the first has failed and is not to be tried before
}

// insert keeps the queue in order. It is an append but for rows that became visible late, and never goes before one
// that is with the publisher already.
func (l *lane) insert(r *row) {
	r.lane = l
	first := 0
	if l.busy {
		first = 1
	}
	i := len(l.queue)
	for i > first && l.queue[i-1].id > r.id {
		i--
	}
	if i == len(l.queue) {
		l.queue = append(l.queue, r)
		return
	}
	l.queue = slices.Insert(l.queue, i, r)
}

// pop removes the first.
func (l *lane) pop() {
	l.queue[0] = nil
	l.queue = l.queue[1:]
}

// lanes is all that the relay holds in memory, and the order in which keys have their turn.
type lanes struct {
	held    map[int64]*row // read and not known to be deleted
	bytes   int            // of them
	byKey   map[laneKey]*lane
	ready   []*lane // not busy, not delayed, not empty
	delayed map[*lane]struct{}
}

func newLanes() *lanes {
	return &lanes{held: map[int64]*row{}, byKey: map[laneKey]*lane{}, delayed: map[*lane]struct{}{}}
}

func (ls *lanes) add(r *row) {
	ls.held[r.id] = r
	ls.bytes += r.size()
	k := laneKey{r.topic, r.text(colKey)}
	l := ls.byKey[k]
	if l == nil {
		l = &lane{key: k}
		if k.key != "" {
			ls.byKey[k] = l
		}
	}
	if len(l.queue) == 0 && r.nextAt != 0 {
		l.until = time.UnixMicro(r.nextAt)
	}
	l.insert(r)
	ls.enlist(l)
}

// enlist files a lane where it belongs after a change.
func (ls *lanes) enlist(l *lane) {
	switch {
	case l.busy || l.ready:
	case len(l.queue) == 0:
		delete(ls.delayed, l)
		if ls.byKey[l.key] == l {
			delete(ls.byKey, l.key)
		}
	case !l.until.IsZero() && time.Until(l.until) > 0:
		ls.delayed[l] = struct{}{}
	default:
		delete(ls.delayed, l)
		l.ready = true
		ls.ready = append(ls.ready, l)
	}
}

// release enlists the delayed lanes whose time has come and returns when the next one's will, zero if there is none.
func (ls *lanes) release(now time.Time) (next time.Time) {
	for l := range ls.delayed {
		if !l.until.After(now) {
			ls.enlist(l)
		} else if next.IsZero() || l.until.Before(next) {
			next = l.until
		}
	}
	return next
}

// next takes the first ready lane off the list and marks it busy; nil if there is none.
func (ls *lanes) next() *lane {
	for len(ls.ready) > 0 {
		l := ls.ready[0]
		ls.ready[0] = nil
		ls.ready = ls.ready[1:]
		l.ready = false
		if len(l.queue) > 0 { // else emptied by drop
			l.busy = true
			return l
		}
	}
	return nil
}

// forget ends the memory of a row.
func (ls *lanes) forget(id int64) {
	if r, ok := ls.held[id]; ok {
		delete(ls.held, id)
		ls.bytes -= r.size()
	}
}

// drop forgets all of a lane's rows but the first, which is to be parked.
func (ls *lanes) drop(l *lane) {
	for _, r := range l.queue[1:] {
		ls.forget(r.id)
	}
	l.queue = nil
	ls.enlist(l)
}
