package stuck

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/saga"
)

// desk is where an operator works: the service's database.
type desk struct {
	pool  *pgxpool.Pool
	parts Parts
	shard string // its number, "" if the service has no shards
	enter func(ctx context.Context, tx pgx.Tx, table, id string) error
}

// limit bounds what list returns of each kind.
const limit = 1000

// list returns the stuck work of a kind, of all for "", the oldest first.
func (d *desk) list(ctx context.Context, kind string) ([]Item, error) {
	items := []Item{} // JSON's [], not null
	wanted := func(k string) bool { return kind == "" || kind == k }
	if d.parts.Outbox && wanted(kindOutbox) {
		parked, err := outbox.ListParked(ctx, d.pool)
		if err != nil {
			return nil, err
		}
		for _, p := range parked[:min(len(parked), limit)] {
			items = append(items, fromOutbox(p))
		}
	}
	if d.parts.Group != "" && wanted(kindDeadLetter) {
		letters, err := inbox.ListDeadLetters(ctx, d.pool, d.parts.Group, 0, limit)
		if err != nil {
			return nil, err
		}
		for _, l := range letters {
			items = append(items, fromDeadLetter(l))
		}
	}
	if d.parts.Sagas && wanted(kindSaga) {
		sagas, err := saga.ListParked(ctx, d.pool, limit)
		if err != nil {
			return nil, err
		}
		for _, s := range sagas {
			items = append(items, fromSaga(s))
		}
	}
	for i, item := range items {
		items[i] = d.marked(item)
	}
	return items, nil
}

// marked is an item with the shard in its id.
func (d *desk) marked(item Item) Item {
	item.id.shard = d.shard
	item.ID = item.id.String()
	return item
}

// find returns one item. It is an error if there is none of that id.
func (d *desk) find(ctx context.Context, id itemID) (Item, error) {
	switch id.kind {
	case kindOutbox:
		parked, err := outbox.FindParked(ctx, d.pool, id.row)
		if err != nil {
			return Item{}, err
		}
		if parked != nil {
			return d.marked(fromOutbox(*parked)), nil
		}
	case kindDeadLetter:
		letter, err := inbox.FindDeadLetter(ctx, d.pool, d.parts.Group, id.row)
		if err != nil {
			return Item{}, err
		}
		if letter != nil {
			return d.marked(fromDeadLetter(*letter)), nil
		}
	case kindSaga:
		s, err := saga.Find(ctx, d.pool, id.saga)
		if err != nil {
			return Item{}, err
		}
		if s != nil {
			return d.marked(fromSaga(*s)), nil
		}
	}
	return Item{}, fmt.Errorf("there is no %s", id)
}

// change does an action to an item and writes it to the log, both or none. It returns what was done, for people.
func (d *desk) change(ctx context.Context, verb string, item Item, by, reason string) (done string, err error) {
	if verb == "retry" && item.Kind == kindDeadLetter && item.What == event.TypeMalformed {
		return "", fmt.Errorf("%s is not a CloudEvent: no handler takes it; it can only be dropped", item.id)
	}
	err = postgres.InTx(ctx, d.pool, func(tx pgx.Tx) error {
		if d.enter != nil {
			if err := d.enter(ctx, tx, tableOf[item.Kind], item.id.key()); err != nil {
				return err
			}
		}
		var ok bool
		if ok, done, err = d.act(ctx, tx, verb, item.id, by, reason); err != nil {
			return err
		}
		if !ok {
			return d.whyNot(ctx, verb, item.id)
		}
		_, err = tx.Exec(ctx, `INSERT INTO stuck_log (who, action, item, what, key, reason) VALUES ($1, $2, $3, $4, $5, $6)`,
			clean(by), verb, item.ID, item.What, item.Key, clean(reason))
		if err != nil {
			return fmt.Errorf("log: %w", err)
		}
		return nil
	})
	return done, err
}

// tableOf is where the items of a kind are.
var tableOf = map[string]string{kindOutbox: "outbox", kindDeadLetter: "dead_letters", kindSaga: "saga"}

const asked = "asked the running service; show tells what became of it"

func (d *desk) act(ctx context.Context, tx pgx.Tx, verb string, id itemID, by, reason string) (ok bool, done string, err error) {
	switch {
	case id.kind == kindOutbox && verb == "retry":
		ok, err = outbox.Retry(ctx, tx, id.row)
		return ok, "will be sent again", err
	case id.kind == kindOutbox:
		ok, err = outbox.Drop(ctx, tx, id.row)
		return ok, "dropped; later messages of its key go on", err
	case id.kind == kindDeadLetter && verb == "retry":
		ok, err = inbox.AskRetry(ctx, tx, d.parts.Group, id.row, by)
		return ok, asked, err
	case id.kind == kindDeadLetter:
		ok, err = inbox.DropDeadLetter(ctx, tx, d.parts.Group, id.row)
		return ok, "dropped", err
	}
	if reason == "" && verb == "compensate" { // the commands of the compensation carry it
		reason = "turned back by hand"
	}
	ok, err = saga.Ask(ctx, tx, id.saga, saga.Request{Action: saga.Action(verb), Reason: reason, By: by})
	return ok, asked, err
}

// whyNot says why an item did not take an action.
func (d *desk) whyNot(ctx context.Context, verb string, id itemID) error {
	item, err := d.find(ctx, id)
	switch {
	case err != nil:
		return err
	case item.Asked != "":
		return fmt.Errorf("%s: %s was asked for already", id, item.Asked)
	case item.State != "":
		return fmt.Errorf("%s is %s: it cannot %s", id, item.State, verb)
	}
	return fmt.Errorf("%s was changed by another at the same time: look again", id)
}

// logged is an entry of stuck_log.
type logged struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Action string    `json:"action"`
	Item   string    `json:"item"`
	What   string    `json:"what"`
	Key    string    `json:"key"`
	Reason string    `json:"reason"`
}

// log returns what was done, the last first.
func (d *desk) log(ctx context.Context) ([]logged, error) {
	rows, err := d.pool.Query(ctx, `SELECT at, who, action, item, what, key, reason FROM stuck_log ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[logged])
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return entries, nil
}

// clean makes text storable: Postgres takes neither invalid UTF-8 nor a NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
