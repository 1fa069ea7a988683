package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
)

// instance is a saga's row while a transaction holds its lock, and what the transaction is going to write.
type instance struct {
	id                   uuid.UUID
	name, key            string
	definition           int
	state, resume        State
	step, attempt, tries int
	data                 []byte
	reason, parkedReason string
	trace                map[string]string // and cause of its start, as extensions of a message
	version              int64
	deadline             time.Time
	expired              bool          // the deadline has passed, by the database's clock
	age                  time.Duration // since its start
	replies              map[string][]byte

	def *Definition
	by  string // the operator who changes it, "" if not known

	wait time.Duration // until the timer looks at it again
	log  []entry
	out  []event.Message
}

// entry is a row of saga_step_log.
type entry struct {
	step, op string
	attempt  int
	event    string
	payload  []byte
	note     string
}

// The events of the step log.
const (
	logCommand     = "command"
	logDone        = "done"
	logRefused     = "refused"
	logUndone      = "undone" // of a choreographed saga
	logTimeout     = "timeout"
	logLate        = "late"      // a reply to a step that the saga is no longer, or not, at
	logDuplicate   = "duplicate" // another reply to an answered command
	logUnknown     = "unknown"   // a reply that came while no definition was known
	logBuildFailed = "build-failed"
	logParked      = "parked"
	logOperator    = "operator"
)

var errNotFound = errors.New("saga not found")

// load locks a saga and reads it. The condition, appended to the query, may narrow it down and tell how to lock.
func (o *Orchestrator) load(ctx context.Context, tx pgx.Tx, id uuid.UUID, condition string) (*instance, error) {
	s := &instance{id: id, replies: map[string][]byte{}}
	var trace []byte
	var age float64
	b := &pgx.Batch{} // the second statement sees what was committed while the first waited for the lock
	b.Queue(`
		SELECT name, key, definition, state, resume_state, step, attempt, tries, data, reason, parked_reason, trace, version,
			deadline, now() >= deadline, extract(epoch FROM now() - created_at)::float8
		FROM saga WHERE id = $1 `+condition, id).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.name, &s.key, &s.definition, &s.state, &s.resume, &s.step, &s.attempt, &s.tries, &s.data, &s.reason,
			&s.parkedReason, &trace, &s.version, &s.deadline, &s.expired, &age)
	})
	b.Queue(`SELECT step, payload FROM saga_step_log WHERE saga_id = $1 AND event = $2 AND op <> $3`,
		id, logDone, opCompensate).Query(func(rows pgx.Rows) error {
		var step string
		var payload []byte
		_, err := pgx.ForEachRow(rows, []any{&step, &payload}, func() error { s.replies[step] = payload; return nil })
		return err
	})
	err := tx.SendBatch(ctx, b).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("load saga %s: %w", id, err)
	}
	if err := json.Unmarshal(trace, &s.trace); err != nil {
		return nil, fmt.Errorf("load trace of saga %s: %w", id, err)
	}
	s.age = time.Duration(age * float64(time.Second))
	if def := o.defs[version{s.name, s.definition}]; def != nil && s.step < len(def.Steps) {
		s.def = def
	}
	return s, nil
}

// save writes the saga, its log and its commands. While the deadline can turn the saga back, the timer looks at it no later.
func (o *Orchestrator) save(ctx context.Context, tx pgx.Tx, s *instance) error {
	b := &pgx.Batch{}
	b.Queue(`
		UPDATE saga SET state = $3, resume_state = $4, step = $5, attempt = $6, tries = $7, reason = $8, parked_reason = $9,
			next_at = CASE WHEN $10 THEN NULL WHEN $11 THEN least(deadline, now() + $12::interval) ELSE now() + $12::interval END,
			version = version + 1, updated_at = now()
		WHERE id = $1 AND version = $2`,
		s.id, s.version, s.state, s.resume, s.step, s.attempt, s.tries, clean(s.reason), clean(s.parkedReason),
		s.ended(), s.turnsBack(), s.wait).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("saga %s was changed by another", s.id)
		}
		return nil
	})
	s.queueLog(b)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("save saga %s: %w", s.id, err)
	}
	if len(s.out) > 0 {
		if err := outbox.Append(ctx, tx, s.out...); err != nil {
			return fmt.Errorf("send command of saga %s: %w", s.id, err)
		}
	}
	if s.ended() && len(s.log) > 0 {
		o.metrics.ended(s)
	}
	return nil
}

func (s *instance) queueLog(b *pgx.Batch) {
	for _, e := range s.log {
		b.Queue(`INSERT INTO saga_step_log (saga_id, step, op, attempt, event, payload, note) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			s.id, e.step, e.op, e.attempt, e.event, e.payload, clean(e.note))
	}
}

// record notes what happened to a saga that is otherwise left alone.
func (o *Orchestrator) record(ctx context.Context, tx pgx.Tx, s *instance, e entry) error {
	s.log = []entry{e}
	b := &pgx.Batch{}
	s.queueLog(b)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("log saga %s: %w", s.id, err)
	}
	return nil
}

func (s *instance) ended() bool {
	return s.state == Completed || s.state == Compensated || s.state == Parked
}

// now is what the saga is at.
func (s *instance) now() action {
	switch {
	case s.step < 0:
		return action{step: onFailure, op: opComplete, kind: Retriable, cmd: s.def.OnFailure}
	case s.state == Compensating || s.state == Parked && s.resume == Compensating:
		st := s.def.Steps[s.step]
		return action{step: st.Name, op: opCompensate, kind: Retriable, cmd: st.Compensate, timeout: st.Timeout}
	}
	st := s.def.Steps[s.step]
	a := action{step: st.Name, op: opInvoke, kind: st.Kind, cmd: &st.Invoke, timeout: st.Timeout}
	if s.def.flow != nil && s.step == 0 && s.attempt == 0 {
		a.cmd = &s.def.start
	}
	if st.Kind == Retriable {
		a.op = opComplete
	}
	return a
}

// action is a command in its place.
type action struct {
	step, op string
	kind     Kind // how it is retried; that of a compensation is Retriable
	cmd      *Command
	timeout  time.Duration
}

func (s *instance) note(event, note string, payload []byte) {
	a := s.now()
	s.log = append(s.log, entry{step: a.step, op: a.op, attempt: s.attempt, event: event, payload: payload, note: note})
}

func (s *instance) run() *Run {
	return &Run{ID: s.id.String(), Key: s.key, id: s.id, data: s.data, replies: s.replies, reason: s.reason}
}

// clean makes text storable: Postgres takes neither invalid UTF-8 nor a NUL.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
