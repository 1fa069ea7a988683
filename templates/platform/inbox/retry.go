package inbox

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// lane holds the messages of one key, in order. While the first waits for its retry the rest of the lane waits with it; other lanes
// go on.
type lane struct {
	msgs    []event.Message
	first   int       // place of msgs[0] in the batch
	places  []int     // of each of msgs
	attempt int       // of msgs[0], failed so far
	due     time.Time // of the next one
}

// lanes splits msgs by key. A message without a key has no order to keep and gets a lane of its own.
func lanes(msgs []event.Message) []*lane {
	var all []*lane
	byKey := map[string]*lane{}
	for i, msg := range msgs {
		l := byKey[msg.Key]
		if l == nil || msg.Key == "" {
			l = &lane{first: i}
			byKey[msg.Key] = l
			all = append(all, l)
		}
		l.msgs = append(l.msgs, msg)
		l.places = append(l.places, i)
	}
	return all
}

// next is the lane whose turn it is: of those that are due the one whose message came first, else the one that is due first.
func next(all []*lane, now time.Time) *lane {
	var best *lane
	for _, l := range all {
		if len(l.msgs) == 0 {
			continue
		}
		if best == nil || l.before(best, now) {
			best = l
		}
	}
	return best
}

func (l *lane) before(other *lane, now time.Time) bool {
	mine, its := l.due.After(now), other.due.After(now)
	switch {
	case mine && its:
		return l.due.Before(other.due)
	case mine != its:
		return its
	default:
		return l.first < other.first
	}
}

// done takes the first message off the lane.
func (l *lane) done() {
	l.msgs, l.places = l.msgs[1:], l.places[1:]
	l.attempt, l.due = 0, time.Time{}
	if len(l.places) > 0 {
		l.first = l.places[0]
	}
}

// oneByOne handles each message in a transaction of its own, with retries, and parks what cannot be handled.
func (in *Inbox) oneByOne(ctx context.Context, msgs []event.Message) error {
	all := lanes(msgs)
	for {
		l := next(all, time.Now())
		if l == nil {
			return ctx.Err()
		}
		if err := sleep(ctx, time.Until(l.due)); err != nil {
			return err
		}
		msg := l.msgs[0]
		if malformed(msg) {
			if err := in.park(ctx, msg, 0, errMalformed); err != nil {
				return err
			}
			l.done()
			continue
		}
		err := in.waitOut(ctx, func() error { return in.alone(ctx, msg, l.attempt+1) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			l.done()
			continue
		}
		l.attempt++
		if r := in.routes[msg.Type]; l.attempt <= r.retries && !isPermanent(err) {
			in.metrics.retries.WithLabelValues(msg.Type).Inc()
			in.log.WarnContext(ctx, "message failed and will be retried",
				"message", msg.ID, "type", msg.Type, "key", msg.Key, "attempt", l.attempt, "error", err)
			l.due = time.Now().Add(in.backoff(l.attempt))
			continue
		}
		if err := in.park(ctx, msg, l.attempt, err); err != nil {
			return err
		}
		l.done()
	}
}

// alone handles one message in a transaction of its own.
func (in *Inbox) alone(ctx context.Context, msg event.Message, attempt int) error {
	var t tally
	err := in.opts.InTx(ctx, msg, func(tx pgx.Tx) error {
		t = tally{}
		fresh, err := in.claim(ctx, tx, []string{msg.ID})
		if err != nil {
			return err
		}
		if !fresh[msg.ID] {
			t.duplicates = 1
			return nil
		}
		t.handled = []event.Message{msg}
		return in.handle(ctx, tx, msg, attempt)
	})
	if err != nil {
		return err
	}
	in.committed(t)
	return nil
}

// backoff is the random pause before retry n.
func (in *Inbox) backoff(n int) time.Duration {
	limit := in.opts.BackoffMax
	if n < 20 { // beyond, the shift would overflow long after it passed any limit
		limit = min(limit, in.opts.BackoffMin<<n)
	}
	return rand.N(limit) + 1
}

// sleep pauses for d and returns ctx's error if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
