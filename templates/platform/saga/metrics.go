package saga

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	started     *prometheus.CounterVec
	finished    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	replies     *prometheus.CounterVec
	timeouts    prometheus.Counter
	timerErrors prometheus.Counter
	open        *prometheus.GaugeVec
	oldest      *prometheus.GaugeVec
	unknown     *prometheus.GaugeVec
}

// newMetrics registers the metrics; a nil reg registers nothing. The counters count what transactions did that may yet be rolled back
// and run again; the gauges are counted in the database.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	byState := []string{"saga", "state"}
	return &metrics{
		started: f.NewCounterVec(prometheus.CounterOpts{
			Name: "saga_started_total", Help: "Sagas started."}, []string{"saga"}),
		finished: f.NewCounterVec(prometheus.CounterOpts{
			Name: "saga_finished_total", Help: "Sagas that ended, by end."}, byState),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "saga_duration_seconds", Help: "From the start of a saga to its end.",
			Buckets: prometheus.ExponentialBuckets(0.01, 3, 14)}, byState),
		replies: f.NewCounterVec(prometheus.CounterOpts{
			Name: "saga_replies_total", Help: "Replies, and events of choreographed sagas: done, refused, undone, late, duplicate, unknown."}, []string{"saga", "kind"}),
		timeouts: f.NewCounter(prometheus.CounterOpts{
			Name: "saga_timeouts_total", Help: "Times the timer moved a saga."}),
		timerErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "saga_timer_errors_total", Help: "Times the timer could not move a saga."}),
		open: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "saga_open", Help: "Sagas in the states RUNNING, COMPENSATING and PARKED."}, byState),
		oldest: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "saga_oldest_seconds", Help: "Age of the oldest saga in a state."}, byState),
		unknown: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "saga_unknown_definition", Help: "Running sagas whose definition this process does not have."},
			[]string{"saga", "version"}),
	}
}

func (m *metrics) ended(s *instance) {
	m.finished.WithLabelValues(s.name, string(s.state)).Inc()
	m.duration.WithLabelValues(s.name, string(s.state)).Observe(s.age.Seconds())
}

// stats counts the open sagas, and reports those that nobody here can move.
func (o *Orchestrator) stats(ctx context.Context) error {
	rows, err := o.pool.Query(ctx, `
		SELECT name, state, definition, count(*), extract(epoch FROM max(now() - created_at))::float8
		FROM saga WHERE state IN ('RUNNING', 'COMPENSATING', 'PARKED') GROUP BY name, state, definition`)
	if err != nil {
		return fmt.Errorf("count sagas: %w", err)
	}
	type sums struct{ count, oldest float64 }
	found := map[[2]string]sums{}
	unknown := map[version]float64{}
	var name, state string
	var number int
	var count, oldest float64
	_, err = pgx.ForEachRow(rows, []any{&name, &state, &number, &count, &oldest}, func() error {
		f := found[[2]string{name, state}]
		found[[2]string{name, state}] = sums{f.count + count, max(f.oldest, oldest)}
		if v := (version{name, number}); o.defs[v] == nil && State(state) != Parked {
			unknown[v] += count
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count sagas: %w", err)
	}
	o.metrics.open.Reset()
	o.metrics.oldest.Reset()
	o.metrics.unknown.Reset()
	for name := range o.newest { // a zero is a value; no value would look like a process that is down
		for _, state := range []State{Running, Compensating, Parked} {
			o.metrics.open.WithLabelValues(name, string(state)).Set(0)
			o.metrics.oldest.WithLabelValues(name, string(state)).Set(0)
		}
	}
	for k, f := range found {
		o.metrics.open.WithLabelValues(k[0], k[1]).Set(f.count)
		o.metrics.oldest.WithLabelValues(k[0], k[1]).Set(f.oldest)
	}
	for v, n := range unknown {
		o.metrics.unknown.WithLabelValues(v.name, fmt.Sprint(v.number)).Set(n)
		if !o.warned[v] {
			o.warned[v] = true
			o.log.ErrorContext(ctx, "sagas run by a definition that is not known here; they wait until it is back",
				"saga", v.name, "version", v.number, "sagas", n)
		}
	}
	return nil
}
