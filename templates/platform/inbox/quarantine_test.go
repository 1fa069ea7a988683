package inbox

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// trust believes messages with the extension ok, and remembers nothing.
type trust struct{ late bool }

var errForged = errors.New("forged \x00 by eve")

func (t *trust) Verify(msg event.Message) error {
	if msg.Extensions["ok"] != "" || t.late {
		return nil
	}
	return errForged
}

func (t *trust) Reason(err error) string {
	if errors.Is(err, errForged) {
		return "forged"
	}
	return ""
}

func (t *trust) Reasons() []string { return []string{"forged", "other"} }

// suspicious is a fixture that believes as v says.
func suspicious(t *testing.T, v *trust, fail func(event.Message) error) *fixture {
	t.Helper()
	f := newFixture(t, 0, fail)
	routes := f.routes
	f.Inbox = New(f.pool, "test", Options{Verifier: v, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	f.routes = routes
	return f
}

func genuine(msg event.Message) event.Message {
	msg.Extensions = map[string]string{"ok": "yes"}
	msg.Offset += 100
	return msg
}

// TestForgeryDoesNotTakeTheIDOfAGenuineMessage sends a forgery before the message whose id it has.
func TestForgeryDoesNotTakeTheIDOfAGenuineMessage(t *testing.T) {
	f := suspicious(t, &trust{}, never)
	forged := messages("a1", "b1")
	f.process(t, []event.Message{forged[0], genuine(forged[1]), genuine(forged[0])})
	f.process(t, forged[:1]) // a redelivery is not kept twice
	equal(t, "applied", f.applied(t), "b1", "a1")
	equal(t, "quarantine", column(t, f.pool, `
		SELECT concat_ws('|', message_id, topic, partition, "offset", quarantined, error, encode(data, 'hex')) FROM dead_letters`),
		"a1|t|3|0|forged|forged \uFFFD by eve|0102")
}

func TestRetryFromQuarantine(t *testing.T) {
	v := &trust{}
	f := suspicious(t, v, never)
	f.process(t, messages("a1", "b1"))
	f.process(t, []event.Message{genuine(messages("b1")[0])})
	f.ask(t, true, "a1")
	f.all(t)
	if d := f.deadLetter(t, "a1"); d.Quarantined != "forged" || d.RetryAt != nil || d.Attempts != 1 {
		t.Errorf("what still does not hold: %+v", d)
	}
	v.late = true // the key came late
	f.ask(t, true, "a1")
	f.ask(t, true, "b1")
	f.all(t)
	equal(t, "applied", f.applied(t), "b1", "a1") // b1 once: it was handled already
	equal(t, "quarantine", column(t, f.pool, `SELECT message_id FROM dead_letters`))
	f.process(t, []event.Message{genuine(messages("a1")[0])})
	equal(t, "applied after the message came again", f.applied(t), "b1", "a1")
}

func TestQuarantinedMessageThatFailsStays(t *testing.T) {
	v := &trust{}
	f := suspicious(t, v, func(event.Message) error { return errors.New("broken") })
	f.process(t, messages("a1"))
	v.late = true
	f.ask(t, true, "a1")
	f.all(t)
	if d := f.deadLetter(t, "a1"); d.Quarantined != "forged" || d.Error != "broken" {
		t.Errorf("got %+v", d)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	f := suspicious(t, &trust{}, never)
	huge := messages("a1")[0]
	huge.Key = strings.Repeat("ä", maxQuarantined)
	huge.Data = bytes.Repeat([]byte{1}, maxQuarantined)
	huge.Extensions = map[string]string{"e": strings.Repeat("x", maxQuarantined)}
	huge.Time = time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)
	f.process(t, []event.Message{huge})
	var size int
	err := f.pool.QueryRow(t.Context(), `SELECT octet_length(key) + octet_length(data) + octet_length(extensions::text) FROM dead_letters`).Scan(&size)
	if err != nil || size > maxQuarantined || size < maxQuarantined/2 {
		t.Errorf("kept %d bytes, %v", size, err)
	}
}

func TestUnknownTypesAndMalformedMessagesAreNotVerified(t *testing.T) {
	f := suspicious(t, &trust{}, never)
	skipped, malformed := messages("a1")[0], messages("b1")[0]
	skipped.Type, malformed.ID = "test.Unknown", "\x00"
	f.process(t, []event.Message{skipped, malformed})
	rows, err := f.pool.Query(t.Context(), `SELECT message_id, quarantined FROM dead_letters`)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ ID, Quarantined string }
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(got) != 1 || got[0] != (row{"t/3/0", ""}) {
		t.Errorf("kept %v, %v", got, err)
	}
}
