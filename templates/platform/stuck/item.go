package stuck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/saga"
)

// The kinds of stuck work.
const (
	kindOutbox     = "outbox"
	kindDeadLetter = "dead-letter"
	kindSaga       = "saga"
)

// kinds are those that the service has.
func (p Parts) kinds() []string {
	var kinds []string
	if p.Outbox {
		kinds = append(kinds, kindOutbox)
	}
	if p.Group != "" {
		kinds = append(kinds, kindDeadLetter)
	}
	if p.Sagas {
		kinds = append(kinds, kindSaga)
	}
	return kinds
}

// itemID is an id as it is written: the kind, a slash and the row's, and in a service with shards an @ and the shard's number.
type itemID struct {
	kind  string
	row   int64  // of outbox and dead-letter
	saga  string // of saga
	shard string
}

func (id itemID) String() string {
	s := id.kind + "/" + id.key()
	if id.shard != "" {
		s += "@" + id.shard
	}
	return s
}

// key is the row's id.
func (id itemID) key() string {
	if id.kind == kindSaga {
		return id.saga
	}
	return strconv.FormatInt(id.row, 10)
}

func parseID(s string, parts Parts) (itemID, error) {
	kind, rest, ok := strings.Cut(s, "/")
	rest, at, _ := strings.Cut(rest, "@")
	if (at != "") != (parts.Shards != nil) {
		return itemID{}, fmt.Errorf("id %q: write it as list does", s)
	}
	if !ok || rest == "" {
		return itemID{}, fmt.Errorf("id %q: write it as list does, such as %s/17", s, kindOutbox)
	}
	if !slices.Contains(parts.kinds(), kind) {
		return itemID{}, fmt.Errorf("id %q: this service has %s", s, strings.Join(parts.kinds(), ", "))
	}
	if kind == kindSaga {
		u, err := uuid.Parse(rest)
		if err != nil {
			return itemID{}, fmt.Errorf("id %q: %w", s, err)
		}
		return itemID{kind: kind, saga: u.String(), shard: at}, nil
	}
	row, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || row <= 0 {
		return itemID{}, fmt.Errorf("id %q: %q is not the number of a row", s, rest)
	}
	return itemID{kind: kind, row: row, shard: at}, nil
}

// Item is one piece of stuck work, as list and show tell it. It holds no payload, which may be personal.
type Item struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// What is the message's type or the saga's name, Key the key of either.
	What  string `json:"what"`
	Key   string `json:"key"`
	State string `json:"state,omitempty"`
	Step  string `json:"step,omitempty"`
	Topic string `json:"topic,omitempty"`
	// Since is when it was parked; of an outbox row, when it was written.
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
	Reason   string    `json:"reason"`
	// Waiting is how many later messages of its key wait behind an outbox row.
	Waiting int `json:"waiting,omitempty"`
	// Asked is what the running service was asked to do with it and has not done yet.
	Asked string `json:"asked,omitempty"`
	// What show tells besides.
	Message      string `json:"message,omitempty"`
	Source       string `json:"source,omitempty"`
	Handler      string `json:"handler,omitempty"`
	PayloadBytes int    `json:"payload_bytes,omitempty"`
	Log          []Line `json:"log,omitempty"`

	id itemID
}

// Line is an entry of a saga's log.
type Line struct {
	At      time.Time `json:"at"`
	Step    string    `json:"step"`
	Op      string    `json:"op"`
	Attempt int       `json:"attempt"`
	Event   string    `json:"event"`
	Note    string    `json:"note,omitempty"`
}

func fromOutbox(p outbox.Parked) Item {
	id := itemID{kind: kindOutbox, row: p.ID}
	return Item{
		ID: id.String(), Kind: id.kind, id: id, What: p.Type, Key: p.Key, Topic: p.Topic, Since: p.CreatedAt, Attempts: p.Attempts,
		Reason: p.LastError, Waiting: p.WaitingBehindItsKey, Message: p.EventID, PayloadBytes: p.PayloadBytes,
	}
}

func fromDeadLetter(d inbox.DeadLetter) Item {
	id := itemID{kind: kindDeadLetter, row: d.ID}
	m := d.Message
	item := Item{
		ID: id.String(), Kind: id.kind, id: id, What: m.Type, Key: m.Key, Topic: fmt.Sprintf("%s/%d/%d", m.Topic, m.Partition, m.Offset),
		Since: d.ParkedAt, Attempts: d.Attempts, Reason: d.Error, Message: m.ID, Source: m.Source, Handler: d.Handler, PayloadBytes: len(m.Data),
	}
	if d.Quarantined != "" {
		item.State = "quarantined: " + d.Quarantined
	}
	if d.RetryAt != nil {
		item.Asked = "retry by " + d.RetryBy
	}
	return item
}

func fromSaga(d saga.Detail) Item {
	id := itemID{kind: kindSaga, saga: d.ID}
	item := Item{
		ID: id.String(), Kind: id.kind, id: id, What: d.Name, Key: d.Key, State: string(d.State), Step: d.Step, Since: d.UpdatedAt,
		Attempts: d.Attempt, Reason: d.ParkedReason,
	}
	if item.Reason == "" {
		item.Reason = d.Reason
	}
	if d.Request != nil {
		item.Asked = string(d.Request.Action) + " by " + d.Request.By
	}
	for _, e := range d.Log {
		item.Log = append(item.Log, Line{At: e.At, Step: e.Step, Op: e.Op, Attempt: e.Attempt, Event: e.Event, Note: e.Note})
	}
	return item
}
