package shard

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// statsEvery is the pause between two looks at how much the shards hold.
const statsEvery = 15 * time.Second

type metrics struct {
	slots  *prometheus.GaugeVec
	rows   *prometheus.GaugeVec
	misses prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		slots: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "shard_slots", Help: "Slots of a shard, of 1024 in all."}, []string{"shard"}),
		rows: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "shard_rows", Help: "Rows of a table in a shard, as the database's statistics have it."}, []string{"shard", "table"}),
		misses: f.NewCounter(prometheus.CounterOpts{
			Name: "shard_misses_total", Help: "Times a slot was looked for in the shard where it had been before it was moved."}),
	}
}

// Status is what a shard holds.
type Status struct {
	Shard int       `json:"shard"`
	Slots int       `json:"slots"`
	Since time.Time `json:"since"`
	// Rows by table, as the database's statistics have it; exact only after some minutes of rest.
	Rows map[string]int64 `json:"rows"`
	// Unsent is how many messages are in its outbox, 0 if it has none.
	Unsent int64 `json:"unsent"`
}

// Status tells what the shards hold, in the order of their numbers.
func (s *Set) Status(ctx context.Context) ([]Status, error) {
	rows, err := s.control.Query(ctx, `
		SELECT number, since, (SELECT count(*) FROM shards.slot WHERE shard = number) FROM shards.shard ORDER BY number`)
	if err != nil {
		return nil, fmt.Errorf("status of shards: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Status, error) {
		st := Status{Rows: map[string]int64{}}
		err := row.Scan(&st.Shard, &st.Since, &st.Slots)
		return st, err
	})
	if err != nil {
		return nil, fmt.Errorf("status of shards: %w", err)
	}
	for i := range list {
		st := &list[i]
		rows, err := s.control.Query(ctx, `
			SELECT relname::text, n_live_tup FROM pg_stat_user_tables WHERE schemaname = $1 AND relname NOT LIKE 'goose\_%' ORDER BY relname`,
			schema(st.Shard))
		if err != nil {
			return nil, fmt.Errorf("status of shard %d: %w", st.Shard, err)
		}
		var table string
		var n int64
		if _, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { st.Rows[table] = n; return nil }); err != nil {
			return nil, fmt.Errorf("status of shard %d: %w", st.Shard, err)
		}
		if _, ok := st.Rows["outbox"]; ok {
			if err := s.control.QueryRow(ctx, `SELECT count(*) FROM `+schema(st.Shard)+`.outbox`).Scan(&st.Unsent); err != nil {
				return nil, fmt.Errorf("status of shard %d: %w", st.Shard, err)
			}
		}
	}
	return list, nil
}

// stats sets the gauges. What it cannot read keeps its value.
func (s *Set) stats(ctx context.Context) {
	list, err := s.Status(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "cannot measure the shards", "error", err)
		return
	}
	for _, st := range list {
		number := fmt.Sprint(st.Shard)
		s.metrics.slots.WithLabelValues(number).Set(float64(st.Slots))
		for table, n := range st.Rows {
			s.metrics.rows.WithLabelValues(number, table).Set(float64(n))
		}
	}
}
