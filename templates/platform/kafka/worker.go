package kafka

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// worker processes one partition for as long as it is ours.
type worker struct {
	c      *Consumer
	part   partition
	ctx    context.Context // of the batch under way
	cancel context.CancelFunc
	finish chan struct{} // closed: start nothing more
	ended  chan struct{}
	wake   chan struct{}

	mu     sync.Mutex
	queue  []*kgo.Record
	high   int64 // offset of the next record that will be written to the partition
	paused bool
}

func newWorker(c *Consumer, p partition) *worker {
	ctx, cancel := context.WithCancel(c.ctx)
	return &worker{
		c: c, part: p, ctx: ctx, cancel: cancel,
		finish: make(chan struct{}), ended: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// add queues records and pauses the partition when they are many: what is not fetched takes no memory.
func (w *worker) add(records []*kgo.Record, high int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, records...)
	w.high = high
	if !w.paused && len(w.queue) > w.c.opts.Buffer {
		w.paused = true
		w.c.cl.PauseFetchPartitions(map[string][]int32{w.part.topic: {w.part.n}})
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take removes the next batch from the queue; it is empty when there is none for now.
func (w *worker) take() []*kgo.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), w.c.opts.BatchSize)
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	if w.paused && len(w.queue) <= w.c.opts.Buffer/2 {
		w.paused = false
		w.c.cl.ResumeFetchPartitions(map[string][]int32{w.part.topic: {w.part.n}})
	}
	return batch
}

func (w *worker) run() {
	defer close(w.ended)
	defer w.cancel()
	for {
		batch := w.take()
		if len(batch) == 0 {
			select {
			case <-w.wake:
				continue
			case <-w.finish:
				return
			}
		}
		if !w.process(batch) {
			return
		}
		last := batch[len(batch)-1]
		w.c.cl.MarkCommitRecords(last)
		w.reportLag(last.Offset)
	}
}

// process reports whether the batch was processed: it tries until it is, or the worker is to finish.
func (w *worker) process(records []*kgo.Record) bool {
	batch := make([]event.Message, len(records))
	for i, r := range records {
		batch[i] = fromRecord(r)
	}
	for attempt := 1; ; attempt++ {
		select {
		case <-w.finish: // even if a slot is free
			return false
		default:
		}
		select {
		case w.c.slots <- struct{}{}:
		case <-w.finish:
			return false
		}
		for i := range batch {
			batch[i].Attempt = attempt
		}
		err := w.c.process(w.ctx, batch)
		<-w.c.slots
		if err == nil {
			return true
		}
		if w.ctx.Err() != nil {
			return false
		}
		w.c.opts.Logger.WarnContext(w.ctx, "message batch failed and will be processed again", "topic", w.part.topic,
			"partition", w.part.n, "offset", batch[0].Offset, "messages", len(batch), "attempt", attempt, "error", err)
		select {
		case <-time.After(w.retryWait(attempt)):
		case <-w.finish:
			return false
		}
	}
}

// retryWait doubles with each attempt, with jitter of a half.
func (w *worker) retryWait(attempt int) time.Duration {
	d := w.c.opts.RetryMax
	if attempt < 20 {
		d = min(w.c.opts.RetryMin<<(attempt-1), d)
	}
	return d/2 + rand.N(d/2+1)
}

func (w *worker) reportLag(done int64) {
	w.mu.Lock()
	lag := max(0, w.high-done-1)
	w.mu.Unlock()
	w.c.lag.WithLabelValues(w.c.group, w.part.topic, strconv.Itoa(int(w.part.n))).Set(float64(lag))
}
