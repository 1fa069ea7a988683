package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// Verifier tells messages to believe from others.
type Verifier interface {
	// Verify returns why a message is not to be believed, nil if it is.
	Verify(msg event.Message) error
	// Reason is the reason in an error of Verify, one of Reasons: a label of metrics.
	Reason(err error) string
	Reasons() []string
}

// maxQuarantined bounds what is kept of a message that was not believed, in bytes. A message of this system is not larger, see
// kafka.Config.MaxMessageBytes; of one that is, only the beginning is kept, which no retry makes whole.
const maxQuarantined = 1 << 20

// maxReason bounds the text of an error, which quotes what a stranger wrote.
const maxReason = 1 << 10

// verified returns the messages to believe and puts the others into quarantine.
func (in *Inbox) verified(ctx context.Context, msgs []event.Message) ([]event.Message, error) {
	if in.opts.Verifier == nil {
		return msgs, nil
	}
	good := make([]event.Message, 0, len(msgs))
	for _, msg := range msgs {
		if malformed(msg) { // parked for that, under its place in the topic
			good = append(good, msg)
			continue
		}
		cause := in.opts.Verifier.Verify(msg)
		if cause == nil {
			good = append(good, msg)
			continue
		}
		if err := in.quarantine(ctx, msg, cause); err != nil {
			return nil, err
		}
	}
	return good, nil
}

// quarantine keeps a message that is not believed, for an operator. Unlike park it does not mark the id as handled: the genuine message of that
// id may be yet to come. It goes on trying until the message is stored.
func (in *Inbox) quarantine(ctx context.Context, msg event.Message, cause error) error {
	reason := in.opts.Verifier.Reason(cause)
	for n := 0; ; n++ {
		stored, err := in.isolate(ctx, msg, reason, cause)
		if err == nil {
			if stored {
				in.metrics.quarantined.WithLabelValues(reason).Inc()
				in.log.ErrorContext(ctx, "message quarantined", "reason", reason, "topic", msg.Topic, "partition", msg.Partition,
					"offset", msg.Offset, "type", msg.Type, "error", cut(text(cause.Error()), maxReason))
			}
			return nil
		}
		in.log.ErrorContext(ctx, "message cannot be quarantined, trying again", "topic", msg.Topic, "offset", msg.Offset, "error", err)
		if err := sleep(ctx, in.backoff(n)); err != nil {
			return err
		}
	}
}

// isolate reports whether it was this call that stored the message.
func (in *Inbox) isolate(ctx context.Context, msg event.Message, reason string, cause error) (stored bool, err error) {
	room := maxQuarantined
	take := func(s string) string {
		s = cut(text(s), room)
		room -= len(s)
		return s
	}
	id, source, typ, subject, topic, key := take(msg.ID), take(msg.Source), take(msg.Type), take(msg.Subject), take(msg.Topic), take(msg.Key)
	extensions := map[string]string{}
	for name, value := range msg.Extensions {
		if size := len(name) + len(value); size <= room {
			room -= size
			extensions[text(name)] = text(value)
		}
	}
	ext, err := json.Marshal(extensions)
	if err != nil {
		return false, fmt.Errorf("encode extensions: %w", err)
	}
	data := append([]byte{}, msg.Data[:min(len(msg.Data), room)]...)
	err = in.opts.InTx(ctx, msg, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO dead_letters (consumer_group, message_id, source, type, subject, event_time, topic, partition, "offset", key,
				extensions, data, handler, error, attempts, quarantined, appended_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13, 0, $14, $15)
			ON CONFLICT DO NOTHING`,
			in.group, id, source, typ, subject, orNull(msg.Time), topic, msg.Partition, msg.Offset, key, string(ext), data,
			cut(text(cause.Error()), maxReason), reason, orNull(msg.Appended))
		stored = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("quarantine message: %w", err)
	}
	return stored, nil
}

// orNull returns nil for no time, and for those that Postgres or RFC 3339 cannot hold: a stranger may have written any.
func orNull(at time.Time) *time.Time {
	if at.Year() < 1 || at.Year() > 9999 || at.IsZero() {
		return nil
	}
	return &at
}

// cut returns the beginning of s, at most n bytes, of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return text(s[:max(0, n-4)]) // a character that is cut becomes one of three bytes
}

// believed decides on a message that somebody wants to be handled again: one from quarantine must hold now, with a key that was added since
// perhaps. It is claimed only here; false means that the genuine message of its id was handled already.
func (in *Inbox) believed(ctx context.Context, tx pgx.Tx, d *DeadLetter) (fresh bool, err error) {
	if d.Quarantined == "" {
		return true, nil // claimed when it was parked
	}
	if in.opts.Verifier != nil {
		if err := in.opts.Verifier.Verify(d.Message); err != nil {
			return false, err
		}
	}
	claimed, err := in.claim(ctx, tx, []string{d.Message.ID})
	return claimed[d.Message.ID], err
}

// reasonNow is why a message from quarantine is not believed after a retry: what it was, if it did not fail for that.
func (in *Inbox) reasonNow(d *DeadLetter, cause error) string {
	if d.Quarantined != "" && in.opts.Verifier != nil {
		if reason := in.opts.Verifier.Reason(cause); reason != "" {
			return reason
		}
	}
	return d.Quarantined
}
