package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	readRows   = 2000                  // most rows of one read
	memory     = 64 << 20              // bytes of rows held, beyond which nothing is read
	readBytes  = 4 << 20               // reads are made smaller when they bring more than this
	flushRows  = 2000                  // acknowledged rows that are deleted at once ...
	flushAfter = 20 * time.Millisecond // ... or after this time, whichever comes first
	readPause  = time.Millisecond      // between reads for the sake of nudges: busy writers need the processor too
	checkEvery = time.Second           // longest silence before the lead is checked again
)

// term is one relay's time as the leader: a loop in one goroutine that owns all of this state.
//
// Reads are done by a reader, one at a time, on the connection that holds the lock: while the broker is busy with what is
// held, the next page is on its way. Each answer proves that the lead was ours when it was asked for, and nothing is
// published when the last proof is older than Options.Lease. An answer shows the table as it was some time after it
// was asked for, so what the writer has changed meanwhile is put down only after the answer: a row is forgotten
// when no read is under way that may have seen it, and the next one sees the table without it.
//
// No token fences off a leader that was stopped (SIGSTOP, a long pause of the machine) between its check and a publish:
// the messages it has in hand then go out a second time, late. That costs duplicates, not order. Any leader sends a
// key's messages in order beginning with the oldest not yet deleted, and one that was deleted had been acknowledged.
// So before the first copy of a message there is always a copy of each earlier one, and consumers skip the others.
type term struct {
	r    *Relay
	opts Options
	rd   *reader
	w    *writer

	*lanes
	parked map[laneKey]*parkedKey
	gaps   gaps
	cursor int64 // reads go on above this id

	inFlight int
	results  results
	pub      context.Context // ends when nothing more shall be published
	stop     context.CancelFunc

	pending changes   // to be written ...
	flushAt time.Time // ... no later than this
	writing bool
	limbo   []changes // written while a read was under way

	reading   bool
	again     bool          // nudged while reading: what was committed may have come too late for it
	checked   time.Time     // the lead was ours
	lastRead  time.Time     // was answered
	rest      time.Duration // least time from then to the next
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
		r: r, opts: r.opts, rd: newReader(conn, r.sweeper, r.opts.Lease), w: newWriter(r), lanes: newLanes(),
		parked: map[laneKey]*parkedKey{}, gaps: gaps{ids: map[int64]gap{}}, rest: readPause,
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
	readerCtx, stopReader := context.WithCancel(keep)
	defer t.rd.wait() // the connection is not ours alone before
	defer stopReader()
	go t.rd.run(readerCtx)

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
		t.fill(now, nudged)
		delayed := t.release(now)
		t.publish(now)

		timer.Reset(t.pause(now, delayed))
		nudged = false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-t.w.done:
			t.written(c)
		case a := <-t.rd.answers:
			if err := t.answered(a); err != nil {
				return err
			}
		case <-t.results.wake:
		case <-t.r.nudge:
			nudged = true
		case <-timer.C:
		}
	}
}

// pause is how long the loop may wait when nothing happens.
func (t *term) pause(now, delayed time.Time) time.Duration {
	next := now.Add(checkEvery)
	earlier := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	if !t.reading {
		earlier(t.checked.Add(checkEvery))
		if t.hasRoom() {
			earlier(t.nextRead)
			earlier(t.nextSweep)
		}
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

// publish hands over the first message of each ready key, up to the window.
func (t *term) publish(now time.Time) {
	if t.resume.After(now) || now.Sub(t.checked) >= t.opts.Lease {
		return
	}
	for t.inFlight < t.opts.Window {
		l := t.next()
		if l == nil {
			return
		}
		t.inFlight++
		r := l.queue[0]
		ctx, msg, end := startSpan(t.pub, r.message())
		t.r.pub.Publish(ctx, msg, func(err error) {
			if end != nil {
				end(err)
			}
			t.results.add(result{r, err, time.Now()})
		})
	}
}

// settle deals with what the broker said.
func (t *term) settle(rs []result) {
	acked := map[string]int{}
	for _, res := range rs {
		r, l := res.row, res.row.lane
		t.inFlight--
		l.busy = false
		switch {
		case res.err == nil:
			t.outages = 0
			acked[r.topic]++
			t.r.metrics.latency.Observe(res.at.Sub(time.UnixMicro(r.created)).Seconds())
			l.pop()
			t.change(func(c *changes) { c.deleted = append(c.deleted, r.id) })
		case isUnavailable(res.err):
			t.outage(r, res)
		default:
			t.fail(r, res)
		}
		t.enlist(l)
	}
	for topic, n := range acked {
		t.r.metrics.published.WithLabelValues(topic).Add(float64(n))
	}
}

// outage stops publishing for a while that grows with each attempt; a burst of failures is one.
func (t *term) outage(r *row, res result) {
	t.r.metrics.errors.WithLabelValues(r.topic, "unavailable").Inc()
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
	f := failure{row: r, id: r.id, attempts: int(r.attempts), err: res.err.Error()}
	f.parked = isPermanent(res.err) || f.attempts >= t.opts.MaxAttempts
	f.nextAt = res.at.Add(backoff(f.attempts-1, t.opts.BackoffMin, t.opts.BackoffMax))
	log := t.r.opts.Logger.With("id", r.id, "event_id", r.text(colEventID), "type", r.text(colType),
		"topic", r.topic, "key", r.lane.key.key, "attempts", r.attempts, "error", res.err)
	if f.parked {
		log.Error("outbox message is parked and holds up its key")
		t.r.metrics.errors.WithLabelValues(r.topic, "parked").Inc()
		if r.lane.key.key != "" {
			t.parked[r.lane.key] = &parkedKey{id: r.id}
		}
		t.drop(r.lane) // its rows are read again when the key is free
	} else {
		log.Warn("outbox message failed and will be tried again")
		t.r.metrics.errors.WithLabelValues(r.topic, "retried").Inc()
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

// written is told that c is in the table.
func (t *term) written(c changes) {
	t.writing = false
	if t.reading {
		t.limbo = append(t.limbo, c)
		return
	}
	t.settled(c)
}

// settled forgets the rows that the table no longer has, or has parked.
func (t *term) settled(c changes) {
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
