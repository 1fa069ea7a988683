package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

var errMalformed = errors.New("not a CloudEvent: no usable id")

// park stores the message in dead_letters and marks it as handled, so that a redelivery does not bring it back. It goes on trying
// until that is stored: a message is never dropped.
func (in *Inbox) park(ctx context.Context, msg event.Message, attempts int, cause error) error {
	if !validID(msg.ID) { // its place in the topic identifies it
		msg.ID = fmt.Sprintf("%s/%d/%d", msg.Topic, msg.Partition, msg.Offset)
	}
	for n := 0; ; n++ {
		parked, err := in.store(ctx, msg, attempts, cause)
		if err == nil {
			if parked {
				in.metrics.deadLetters.WithLabelValues(in.label(msg.Type)).Inc()
				in.log.ErrorContext(msg.Context(ctx), "message parked in dead_letters",
					"message", msg.ID, "type", msg.Type, "key", msg.Key, "attempts", attempts, "error", cause)
			}
			return nil
		}
		in.log.ErrorContext(ctx, "message cannot be parked, trying again", "message", msg.ID, "error", err)
		if err := sleep(ctx, in.backoff(n)); err != nil {
			return err
		}
	}
}

// store reports whether it was this call that parked the message.
func (in *Inbox) store(ctx context.Context, msg event.Message, attempts int, cause error) (parked bool, err error) {
	extensions := make(map[string]string, len(msg.Extensions))
	for k, v := range msg.Extensions {
		extensions[text(k)] = text(v)
	}
	ext, err := json.Marshal(extensions)
	if err != nil {
		return false, fmt.Errorf("encode extensions: %w", err)
	}
	var at *time.Time
	if !msg.Time.IsZero() {
		at = &msg.Time
	}
	data := msg.Data
	if data == nil {
		data = []byte{}
	}
	var failed failure // stays empty if it was not a handler: the commit can fail too
	errors.As(cause, &failed)
	err = in.opts.InTx(ctx, msg, func(tx pgx.Tx) error {
		fresh, err := in.claim(ctx, tx, []string{msg.ID})
		if parked = fresh[msg.ID]; err != nil || !parked {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO dead_letters (consumer_group, message_id, source, type, subject, event_time, topic, partition, "offset", key,
				extensions, data, handler, error, attempts)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			in.group, msg.ID, text(msg.Source), text(msg.Type), text(msg.Subject), at, text(msg.Topic), msg.Partition, msg.Offset,
			text(msg.Key), string(ext), data, failed.where, text(cause.Error()), attempts)
		return err
	})
	return parked, err
}

// text makes s storable: Postgres takes neither invalid UTF-8 nor a NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// label keeps the number of label values bounded: the type of a malformed message can be anything.
func (in *Inbox) label(typ string) string {
	if in.routes[typ] == nil {
		return event.TypeMalformed
	}
	return typ
}
