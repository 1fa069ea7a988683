package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	readRows   = 1000                  // most rows of one read
	memory     = 64 << 20              // bytes of payload held, beyond which nothing is read
	readBytes  = 4 << 20               // reads are made smaller when they bring more than this
	flushRows  = 1000                  // acknowledged rows that are deleted at once ...
	flushAfter = 20 * time.Millisecond // ... or after this time, whichever comes first
	maxGaps    = 1000                  // gaps looked at in every read; the sweep finds what is in others
	checkEvery = time.Second           // longest silence before the lead is checked again
)

// term is one relay's time as the leader: a loop in one goroutine that owns all of this state.
//
// Reads happen within the loop, on the connection that holds the lock. So each read proves that the lead is still
// ours, and a row can be forgotten as soon as the loop learns that it is deleted: no read is under way then, and the
// next one sees the table without it.
//
// No token fences off a leader that was stopped (SIGSTOP, a long pause of the machine) between its check and a publish:
// the messages it has in hand then go out a second time, late. That costs duplicates, not order. Any leader sends a
// key's messages in order beginning with the oldest not yet deleted, and one that was deleted had been acknowledged.
// So before the first copy of a message there is always a copy of each earlier one, and consumers skip the others.
type term struct {
	r    *Relay
	opts Options
	conn *pgx.Conn
	w    *writer

	*lanes
	parked map[laneKey]*parkedKey
	gaps   map[int64]time.Time // ids skipped by reads, and since when: rolled back, or not committed yet
	cursor int64               // reads go on above this id
	top    int64               // highest id ever read

	inFlight int
	results  results
	pub      context.Context // ends when nothing more shall be published
	stop     context.CancelFunc

	pending changes   // to be written ...
	flushAt time.Time // ... no later than this
	writing bool

	checked   time.Time // the lead was ours
	nextRead  time.Time
	nextSweep time.Time
	poll      time.Duration
	batch     int // rows of the next read
	outages   int
	resume    time.Time // the broker is down: publish nothing before
}

type parkedKey struct {
	id      int64 // the parked row
	written bool  // the table says so too
}

func newTerm(r *Relay, conn *pgx.Conn) *term {
	return &term{
		r: r, opts: r.opts, conn: conn, w: newWriter(r), lanes: newLanes(),
		parked: map[laneKey]*parkedKey{}, gaps: map[int64]time.Time{},
		results: results{wake: make(chan struct{}, 1)},
		poll:    r.opts.PollMin, batch: min(readRows/10, r.opts.Window), checked: time.Now(),
	}
}

// run leads until the connection is lost or ctx ends. It returns when no message of this term is with the publisher any
// more, so that the next term cannot overtake it.
func (t *term) run(ctx context.Context) error {
	keep := context.WithoutCancel(ctx)
	t.pub, t.stop = context.WithCancel(keep)
	defer t.stop()
	writerCtx, stopWriter := context.WithCancel(keep)
	defer stopWriter()
	go t.w.run(writerCtx)

	err := t.loop(ctx)
	t.drain(ctx)

	defer time.AfterFunc(t.opts.Drain, stopWriter).Stop()
	t.flushAll()
	return err
}

func (t *term) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	nudged := true
	for {
		now := time.Now()
		t.settle(t.results.take())
		t.flush(now)
		if err := t.fill(ctx, now, nudged); err != nil {
			return err
		}
		delayed := t.release(now)
		t.publish(now)

		timer.Reset(t.pause(now, delayed))
		nudged = false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-t.w.done:
			t.written(c)
		case <-t.results.wake:
		case <-t.r.nudge:
			nudged = true
		case <-timer.C:
		}
	}
}

// pause is how long the loop may wait when nothing happens.
func (t *term) pause(now, delayed time.Time) time.Duration {
	next := t.checked.Add(checkEvery)
	earlier := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	if t.hasRoom() {
		earlier(t.nextRead)
		earlier(t.nextSweep)
	}
	if t.pending.len() > 0 && !t.writing {
		earlier(t.flushAt)
	}
	if !delayed.IsZero() {
		earlier(delayed)
	}
	if t.resume.After(now) {
		earlier(t.resume)
	}
	return max(0, time.Until(next))
}

func (t *term) hasRoom() bool {
	return len(t.held) <= 4*t.opts.Window-t.batch && t.bytes < memory
}

// fill reads what is new when it is time to, and makes sure that the lead is still ours.
func (t *term) fill(ctx context.Context, now time.Time, nudged bool) error {
	ctx, cancel := context.WithTimeout(ctx, t.opts.Lease) // a network that swallows packets must not hang the loop
	defer cancel()
	if nudged {
		t.nextRead = now
	}
	if t.hasRoom() {
		if !now.Before(t.nextSweep) { // first of all when the term begins: it tells which keys are parked
			if err := t.sweep(ctx); err != nil {
				return fmt.Errorf("sweep outbox: %w", err)
			}
		}
		if !now.Before(t.nextRead) {
			if err := t.read(ctx); err != nil {
				return fmt.Errorf("read outbox: %w", err)
			}
		}
	}
	if now.Sub(t.checked) >= checkEvery {
		if err := t.conn.Ping(ctx); err != nil {
			return fmt.Errorf("check lead: %w", err)
		}
		t.checked = time.Now()
	}
	return nil
}

// read takes in the rows above the cursor and those that have appeared in gaps.
func (t *term) read(ctx context.Context) error {
	gaps := slices.Collect(maps.Keys(t.gaps))
	filled, rows, err := read(ctx, t.conn, t.cursor, t.batch, gaps)
	if err != nil {
		return err
	}
	now := time.Now()
	t.checked = now
	for _, r := range filled {
		delete(t.gaps, r.id)
		t.take(r)
	}
	for id, since := range t.gaps {
		if now.Sub(since) > t.opts.Sweep {
			delete(t.gaps, id) // most likely rolled back; else a sweep finds it
		}
	}
	bytes := 0
	for _, r := range rows {
		bytes += len(r.msg.Data)
		t.noteGaps(r.id, now)
		t.cursor = r.id
		t.take(r)
	}

	switch {
	case len(rows) == t.batch: // there is more
		t.nextRead, t.poll = now, t.opts.PollMin
	case len(rows)+len(filled)+len(t.gaps) > 0:
		t.nextRead, t.poll = now.Add(t.opts.PollMin), t.opts.PollMin
	default:
		t.poll = min(2*t.poll, t.opts.PollMax)
		t.nextRead = now.Add(t.poll)
	}
	if bytes > readBytes {
		t.batch = max(1, t.batch/2)
	} else if len(rows) == t.batch {
		t.batch = min(2*t.batch, readRows, t.opts.Window)
	}
	return nil
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

// sweep finds the rows that reads have passed by, and the keys that were parked or are no longer.
func (t *term) sweep(ctx context.Context) error {
	start := time.Now()
	parked, rows, err := t.r.sweeper(ctx, t.conn, t.cursor, slices.Collect(maps.Keys(t.held)), t.batch)
	if err != nil {
		return err
	}
	t.checked = time.Now()
	t.nextSweep = t.checked.Add(max(t.opts.Sweep, 10*t.checked.Sub(start))) // never more than a tenth of the time
	for k, id := range parked {
		if t.parked[k] == nil {
			t.parked[k] = &parkedKey{id: id, written: true}
		}
	}
	for k, p := range t.parked {
		if _, still := parked[k]; p.written && !still {
			// Someone retried or dropped it. Read again from there, so that what waited comes before what is new.
			delete(t.parked, k)
			t.cursor = min(t.cursor, p.id-1)
			t.nextRead = t.checked
		}
	}
	for _, r := range rows {
		if r.id <= t.cursor { // else the read that follows brings it, in order
			t.take(r)
		}
	}
	return nil
}

// take holds a row, unless it is held already or its key is parked.
func (t *term) take(r *row) {
	if t.held[r.id] != nil || t.isParked(laneKey{r.msg.Topic, r.msg.Key}) {
		return
	}
	t.add(r)
}

func (t *term) isParked(k laneKey) bool {
	return k.key != "" && t.parked[k] != nil
}

// publish hands over the first message of each ready key, up to the window.
func (t *term) publish(now time.Time) {
	if t.resume.After(now) {
		return
	}
	for t.inFlight < t.opts.Window {
		l := t.next()
		if l == nil {
			return
		}
		t.inFlight++
		r := l.queue[0]
		ctx, msg, end := startSpan(t.pub, r.msg)
		t.r.pub.Publish(ctx, msg, func(err error) {
			end(err)
			t.results.add(result{r, err, time.Now()})
		})
	}
}

// settle deals with what the broker said.
func (t *term) settle(rs []result) {
	for _, res := range rs {
		r, l := res.row, res.row.lane
		t.inFlight--
		l.busy = false
		switch {
		case res.err == nil:
			t.outages = 0
			t.r.metrics.published.WithLabelValues(r.msg.Topic).Inc()
			t.r.metrics.latency.Observe(res.at.Sub(r.created).Seconds())
			l.pop()
			t.change(func(c *changes) { c.deleted = append(c.deleted, r.id) })
		case isUnavailable(res.err):
			t.outage(r, res)
		default:
			t.fail(r, res)
		}
		t.enlist(l)
	}
}

// outage stops publishing for a while that grows with each attempt; a burst of failures is one.
func (t *term) outage(r *row, res result) {
	t.r.metrics.errors.WithLabelValues(r.msg.Topic, "unavailable").Inc()
	if t.resume.After(res.at) {
		return
	}
	wait := backoff(t.outages, t.opts.BackoffMin, min(t.opts.BackoffMax, 5*time.Second))
	t.outages++
	t.resume = res.at.Add(wait)
	t.r.opts.Logger.Warn("broker is unavailable, outbox keeps the messages", "retry_in", wait, "error", res.err)
}

// fail delays a message, or parks its key.
func (t *term) fail(r *row, res result) {
	r.attempts++
	f := failure{row: r, id: r.id, attempts: r.attempts, err: res.err.Error()}
	f.parked = isPermanent(res.err) || r.attempts >= t.opts.MaxAttempts
	f.nextAt = res.at.Add(backoff(r.attempts-1, t.opts.BackoffMin, t.opts.BackoffMax))
	log := t.r.opts.Logger.With("id", r.id, "event_id", r.msg.ID, "type", r.msg.Type, "topic", r.msg.Topic,
		"key", r.msg.Key, "attempts", r.attempts, "error", res.err)
	if f.parked {
		log.Error("outbox message is parked and holds up its key")
		t.r.metrics.errors.WithLabelValues(r.msg.Topic, "parked").Inc()
		if r.msg.Key != "" {
			t.parked[r.lane.key] = &parkedKey{id: r.id}
		}
		t.drop(r.lane) // its rows are read again when the key is free
	} else {
		log.Warn("outbox message failed and will be tried again")
		t.r.metrics.errors.WithLabelValues(r.msg.Topic, "retried").Inc()
		r.lane.until = f.nextAt
	}
	t.change(func(c *changes) { c.failed = append(c.failed, f) })
}

func (t *term) change(add func(*changes)) {
	if t.pending.len() == 0 {
		t.flushAt = time.Now().Add(flushAfter)
	}
	add(&t.pending)
}

// flush passes the pending changes to the writer when they are many or old, and the writer is free.
func (t *term) flush(now time.Time) {
	if n := t.pending.len(); t.writing || n == 0 || n < flushRows && now.Before(t.flushAt) {
		return
	}
	t.w.jobs <- t.pending
	t.pending, t.writing = changes{}, true
}

// written forgets the rows that the table no longer has, or has parked.
func (t *term) written(c changes) {
	t.writing = false
	for _, id := range c.deleted {
		t.forget(id)
	}
	for _, f := range c.failed {
		if !f.parked {
			continue
		}
		t.forget(f.id)
		if p := t.parked[f.row.lane.key]; p != nil && p.id == f.id {
			p.written = true
		}
	}
}

// drain waits for what is with the publisher: as long as it takes, since the broker keeps none of our messages for
// itself, but no longer than Options.Drain once ctx has ended.
func (t *term) drain(ctx context.Context) {
	ended := ctx.Done()
	var limit <-chan time.Time
	for {
		t.settle(t.results.take())
		t.flush(time.Now())
		if t.inFlight == 0 {
			return
		}
		select {
		case <-t.results.wake:
		case c := <-t.w.done:
			t.written(c)
		case <-ended:
			ended, limit = nil, time.After(t.opts.Drain)
		case <-limit:
			t.stop() // what the publisher has not sent it need not send any more
			return
		}
	}
}

// flushAll writes the remaining changes and ends the writer.
func (t *term) flushAll() {
	if t.writing {
		if _, ok := <-t.w.done; !ok {
			return // it has given up, and may have left the job where it was
		}
	}
	if t.pending.len() > 0 {
		t.w.jobs <- t.pending
	}
	close(t.w.jobs)
	for range t.w.done { // until the writer has ended
	}
}

// result is what became of a publish.
type result struct {
	row *row
	err error
	at  time.Time
}

// results passes them from the publisher's goroutines to the loop without ever blocking one.
type results struct {
	mu   sync.Mutex
	list []result
	wake chan struct{}
}

func (rs *results) add(r result) {
	rs.mu.Lock()
	rs.list = append(rs.list, r)
	rs.mu.Unlock()
	select {
	case rs.wake <- struct{}{}:
	default:
	}
}

func (rs *results) take() []result {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	list := rs.list
	rs.list = nil
	return list
}
