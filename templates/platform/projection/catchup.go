package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
)

const (
	batch     = 500    // messages that are folded in one transaction
	readMost  = 2000   // messages of one read
	buffered  = 10_000 // messages of a partition that wait for those of others
	tellEvery = 5 * time.Second
)

// rebuild folds the log into the session's tables, always a part of what the service itself has folded: the beginning of each partition.
type rebuild struct {
	*session
	view       View
	group      string
	schema     string // of the service's tables
	log        *kafka.Log
	in         *inbox.Inbox
	verifier   inbox.Verifier // nil: all messages are believed
	unverified string         // "", "skip" or "take"
	progress   func(folded int, behind int64)
	told       time.Time

	waiting map[kafka.Place][]event.Message // read, and not folded
	read    map[kafka.Place]int64           // offset of the next message to read
	outcome Outcome
}

// catchUp folds what the service has folded when it is called, and then what that has folded meanwhile, until there is nothing more.
func (r *rebuild) catchUp(ctx context.Context) error {
	for {
		bound, err := r.log.Committed(ctx, r.group)
		if err != nil {
			return err
		}
		if r.reached(bound) {
			return nil
		}
		if err := r.foldTo(ctx, bound); err != nil {
			return err
		}
	}
}

// next is the offset of the first message of a partition that is not folded.
func (r *rebuild) next(p kafka.Place) int64 {
	if w := r.waiting[p]; len(w) > 0 {
		return w[0].Offset
	}
	return r.read[p]
}

func (r *rebuild) reached(bound map[kafka.Place]int64) bool {
	for p, at := range bound {
		if r.next(p) < at {
			return false
		}
	}
	return true
}

// foldTo folds all messages below bound, as far as possible in the order in which the broker took them: a view must not depend on the order of
// different partitions, but the service saw them about so.
func (r *rebuild) foldTo(ctx context.Context, bound map[kafka.Place]int64) error {
	for !r.reached(bound) {
		msgs, starved := r.earliest(bound)
		if err := r.fold(ctx, msgs); err != nil {
			return err
		}
		r.tell(bound)
		if starved {
			if err := r.more(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell says every few seconds how far it is.
func (r *rebuild) tell(bound map[kafka.Place]int64) {
	if r.progress == nil || time.Since(r.told) < tellEvery {
		return
	}
	behind := int64(0)
	for p, at := range bound {
		behind += max(0, at-r.next(p))
	}
	r.told = time.Now()
	r.progress(r.outcome.Folded, behind)
}

// earliest takes up to a batch of messages below bound. starved reports that it ended because nothing is read of a partition that has more.
func (r *rebuild) earliest(bound map[kafka.Place]int64) (msgs []event.Message, starved bool) {
	for len(msgs) < batch {
		var from *kafka.Place
		for p, at := range bound {
			if r.next(p) >= at {
				continue
			}
			w := r.waiting[p]
			if len(w) == 0 {
				return msgs, true
			}
			if from == nil || before(w[0], r.waiting[*from][0]) {
				from = &p
			}
		}
		if from == nil {
			return msgs, false
		}
		msgs = append(msgs, r.take(*from))
	}
	return msgs, false
}

func (r *rebuild) take(p kafka.Place) event.Message {
	msg := r.waiting[p][0]
	r.waiting[p] = r.waiting[p][1:]
	if len(r.waiting[p]) == buffered/2 {
		r.log.Resume(p)
	}
	return msg
}

// before orders messages by time, and those of the same by their place, so that the order is always the same.
func before(a, b event.Message) bool {
	at, bt := a.Appended, b.Appended
	if at.IsZero() || bt.IsZero() {
		at, bt = a.Time, b.Time
	}
	if c := at.Compare(bt); c != 0 {
		return c < 0
	}
	return a.Topic < b.Topic || a.Topic == b.Topic && a.Partition < b.Partition
}

// more reads on.
func (r *rebuild) more(ctx context.Context) error {
	msgs, err := r.log.Read(ctx, readMost)
	if err != nil {
		return err
	}
	for _, msg := range msgs {
		p := kafka.Place{Topic: msg.Topic, Partition: msg.Partition}
		r.waiting[p] = append(r.waiting[p], msg)
		r.read[p] = msg.Offset + 1
		if len(r.waiting[p]) == buffered {
			r.log.Pause(p)
		}
	}
	return nil
}

// fold folds the view's messages among msgs.
func (r *rebuild) fold(ctx context.Context, msgs []event.Message) error {
	var good []event.Message
	for _, msg := range msgs {
		if !slices.Contains(r.view.Types, msg.Type) {
			continue
		}
		ok, err := r.believed(ctx, msg)
		if err != nil {
			return err
		}
		if ok {
			good = append(good, msg)
		} else {
			r.outcome.Skipped++
		}
	}
	if len(good) == 0 {
		return nil
	}
	r.outcome.Folded += len(good)
	return r.in.Process(ctx, good)
}

// believed decides on a message of the view as the service did.
func (r *rebuild) believed(ctx context.Context, msg event.Message) (bool, error) {
	if r.verifier == nil {
		return true, nil
	}
	cause := r.verifier.Verify(msg)
	if cause == nil {
		return true, nil
	}
	if r.unverified != "" {
		return r.unverified == "take", nil
	}
	var quarantined bool
	err := r.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+r.of("dead_letters")+`
		WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND "offset" = $4 AND quarantined <> '')`,
		r.group, msg.Topic, msg.Partition, msg.Offset).Scan(&quarantined)
	if err != nil {
		return false, fmt.Errorf("look into the quarantine: %w", err)
	}
	if quarantined {
		return false, nil
	}
	return false, fmt.Errorf("message %s/%d/%d of type %s: %w; it may be signed with a key that is gone from SIGNING_KEYS_FILE, which holds for old messages as a further line, "+
		"or be older than signatures; --unverified skip leaves all such messages out, --unverified take believes them", msg.Topic, msg.Partition, msg.Offset, msg.Type, cause)
}

// of is a table of the service, which has a temporary one before it.
func (r *rebuild) of(table string) string { return pgx.Identifier{r.schema, table}.Sanitize() }

var errSlow = errors.New("the last events did not come in time")

// lastOnes folds, while the service folds nothing, what it has folded and not committed to the broker yet: it has marked that in its inbox.
func (r *rebuild) lastOnes(ctx context.Context) error {
	late := time.Now().Add(freezeWait)
	ends, err := r.log.Ends(ctx)
	if err != nil {
		return err
	}
	for p, end := range ends {
		for r.read[p] < end {
			if time.Now().After(late) {
				return errSlow
			}
			if err := r.more(ctx); err != nil {
				return err
			}
		}
	}
	bound, err := r.log.Committed(ctx, r.group)
	if err != nil {
		return err
	}
	var ids []string
	for _, msgs := range r.waiting {
		for _, msg := range msgs {
			if slices.Contains(r.view.Types, msg.Type) {
				ids = append(ids, msg.ID)
			}
		}
	}
	rows, err := r.pool.Query(ctx, `SELECT message_id FROM `+r.of("inbox")+` WHERE consumer_group = $1 AND message_id = ANY($2)`, r.group, ids)
	if err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	handled := map[string]bool{}
	var id string
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { handled[id] = true; return nil }); err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	for p, msgs := range r.waiting {
		for _, msg := range msgs {
			if slices.Contains(r.view.Types, msg.Type) && !handled[msg.ID] && msg.Offset >= bound[p] {
				break // nor are those behind it
			}
			bound[p] = max(bound[p], msg.Offset+1)
		}
	}
	return r.foldTo(ctx, bound)
}
