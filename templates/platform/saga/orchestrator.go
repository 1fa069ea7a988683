package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
)

// Options are what New may be told; a zero field means its default.
type Options struct {
	// Nudge is called after commits that may have appended to the outbox.
	Nudge func()
	// StepTimeout is how long the reply to a step without a timeout of its own is waited for: 10 s.
	StepTimeout time.Duration
	// MaxAttempts is how often the command of a compensatable step is sent before it is compensated: 3.
	MaxAttempts int
	// MaxResends is how often any other command is sent before the saga is parked: 50. With the default pauses that is about 3 hours.
	MaxResends int
	// BackoffMin and BackoffMax bound the pauses between attempts: 1 s and 5 min.
	BackoffMin, BackoffMax time.Duration
	// Poll is the pause between two looks for sagas whose time is up: 250 ms.
	Poll time.Duration
	// StatsEvery is the pause between two counts of open sagas for the metrics: 15 s.
	StatsEvery time.Duration
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Nudge == nil {
		o.Nudge = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&o.StepTimeout, 10 * time.Second}, {&o.BackoffMin, time.Second}, {&o.BackoffMax, 5 * time.Minute},
		{&o.Poll, 250 * time.Millisecond}, {&o.StatsEvery, 15 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 3
	}
	if o.MaxResends <= 0 {
		o.MaxResends = 50
	}
}

// version identifies a definition.
type version struct {
	name   string
	number int
}

// Orchestrator runs the sagas of a service. Any number of them may work on one database.
type Orchestrator struct {
	pool    *pgxpool.Pool
	source  string
	opts    Options
	defs    map[version]*Definition
	newest  map[string]*Definition
	metrics *metrics
	log     *slog.Logger
	warned  map[version]bool // used by the timer only
}

// New returns an Orchestrator of the definitions, of which several may be versions of one saga: new sagas go by the newest. source
// is the CloudEvents source of the commands. An invalid definition is an error.
func New(pool *pgxpool.Pool, source string, opts Options, defs ...Definition) (*Orchestrator, error) {
	opts.setDefaults()
	o := &Orchestrator{
		pool: pool, source: source, opts: opts,
		defs: map[version]*Definition{}, newest: map[string]*Definition{}, warned: map[version]bool{},
		metrics: newMetrics(opts.Registerer), log: opts.Logger,
	}
	var errs []error
	for i := range defs {
		d := &defs[i]
		if err := d.validate(); err != nil {
			errs = append(errs, err)
		}
		v := version{d.Name, d.Version}
		if o.defs[v] != nil {
			errs = append(errs, fmt.Errorf("saga %q version %d is defined twice", d.Name, d.Version))
		}
		o.defs[v] = d
		if n := o.newest[d.Name]; n == nil || n.Version < d.Version {
			o.newest[d.Name] = d
		}
	}
	return o, errors.Join(errs...)
}

// Start begins saga name for key in tx, with data for its commands, and sends the first command. A saga that was started before with
// that name and key is left as it is. Nudge the outbox after the commit.
func (o *Orchestrator) Start(ctx context.Context, tx pgx.Tx, name, key string, data proto.Message) error {
	def := o.newest[name]
	if def == nil {
		return fmt.Errorf("start saga: %q is not defined", name)
	}
	raw, err := proto.Marshal(data)
	if err != nil {
		return fmt.Errorf("start saga %s: %w", name, err)
	}
	if raw == nil { // data is nil
		raw = []byte{}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("start saga %s: %w", name, err)
	}
	var here event.Message
	here.Inject(ctx)
	traceContext, err := json.Marshal(here.Extensions)
	if err != nil {
		return fmt.Errorf("start saga %s: %w", name, err)
	}
	s := &instance{
		id: id, name: name, key: key, definition: def.Version, state: Running, data: raw, trace: here.Extensions, def: def,
		replies: map[string][]byte{},
	}
	err = tx.QueryRow(ctx, `
		INSERT INTO saga (id, name, key, definition, state, step, attempt, tries, data, trace, deadline)
		VALUES ($1, $2, $3, $4, $5, 0, 0, 0, $6, $7, now() + $8::interval)
		ON CONFLICT (name, key) DO NOTHING RETURNING deadline`,
		id, name, key, def.Version, Running, raw, string(traceContext), def.Timeout).Scan(&s.deadline)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start saga %s: %w", name, err)
	}
	o.metrics.started.WithLabelValues(name).Inc()
	o.send(ctx, s)
	return o.save(ctx, tx, s)
}

// HandleReply is the inbox handler of ReplyType. A reply to any attempt of the current command moves the saga on, as a participant
// gives one answer to all of them. Every other reply is late or a duplicate: logged, and otherwise ignored.
func (o *Orchestrator) HandleReply(ctx context.Context, tx pgx.Tx, msg event.Message) error {
	e, err := open(msg)
	if err != nil {
		return inbox.Permanent(fmt.Errorf("saga reply: %w", err))
	}
	outcome := msg.Extensions[extOutcome]
	if outcome != outcomeDone && outcome != outcomeRefused {
		return inbox.Permanent(fmt.Errorf("saga reply: unknown outcome %q", outcome))
	}
	s, err := o.load(ctx, tx, e.saga, "FOR UPDATE")
	if errors.Is(err, errNotFound) { // purged, or of a database that was restored
		o.metrics.replies.WithLabelValues("", logUnknown).Inc()
		o.log.WarnContext(ctx, "reply to an unknown saga", "id", e.saga, "step", e.step)
		return nil
	}
	if err != nil {
		return err
	}
	kind, err := o.classify(ctx, tx, s, e, outcome)
	if err != nil {
		return err
	}
	o.metrics.replies.WithLabelValues(s.name, kind).Inc()
	if kind != outcome {
		return o.record(ctx, tx, s, entry{
			step: clean(e.step), op: e.op, attempt: e.attempt, event: kind, payload: msg.Data, note: outcome,
		})
	}
	o.replied(s.traced(ctx), s, outcome, msg.Data)
	return o.save(ctx, tx, s)
}

// classify returns outcome for a reply that the saga waits for, else why it does not count.
func (o *Orchestrator) classify(ctx context.Context, tx pgx.Tx, s *instance, e envelope, outcome string) (string, error) {
	if s.def == nil { // the answer is not lost: the participant gives it again when the definition is back and asks
		o.log.ErrorContext(ctx, "reply to a saga whose definition is not known here", "saga", s.name, "version", s.definition, "id", s.id)
		return logUnknown, nil
	}
	if s.state == Running || s.state == Compensating {
		if a := s.now(); a.step == e.step && a.op == e.op && s.attempt > 0 {
			return outcome, nil
		}
	}
	var answered bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM saga_step_log WHERE saga_id = $1 AND step = $2 AND op = $3 AND event IN ($4, $5))`,
		s.id, clean(e.step), e.op, logDone, logRefused).Scan(&answered)
	if err != nil {
		return "", fmt.Errorf("look up reply of saga %s: %w", s.id, err)
	}
	if answered {
		return logDuplicate, nil
	}
	return logLate, nil
}

// traced returns ctx within a trace: its own or, if it has none, that of the saga's start. Who caused the saga is who started it, whoever
// moves it on: not what a reply says, nor an operator.
func (s *instance) traced(ctx context.Context) context.Context {
	start := event.Message{Extensions: s.trace}
	if trace.SpanContextFromContext(ctx).IsValid() {
		return event.WithCause(ctx, start.Cause())
	}
	return start.Context(ctx)
}
