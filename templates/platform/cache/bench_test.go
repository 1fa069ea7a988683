package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/cache"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

// BenchmarkGet reads rows of 500 bytes by their keys: from Redis, from Postgres as they would be without a cache, and from Postgres because Redis is
// away.
func BenchmarkGet(b *testing.B) {
	const rows = 64
	pool := pgtest.New(b)
	if _, err := pool.Exec(b.Context(), `CREATE TABLE t AS SELECT n AS id, repeat('x', 500) AS v FROM generate_series(0, $1::int - 1) n`, rows); err != nil {
		b.Fatal(err)
	}
	if _, err := pool.Exec(b.Context(), `ALTER TABLE t ADD PRIMARY KEY (id)`); err != nil {
		b.Fatal(err)
	}
	load := func(id int) func(ctx context.Context) (*row, error) {
		return func(ctx context.Context) (*row, error) {
			var v string
			err := pool.QueryRow(ctx, `SELECT v FROM t WHERE id = $1`, id).Scan(&v)
			return wrapperspb.String(v), err
		}
	}
	c, _ := server(b, redistest.Config(b), nil)
	link, cfg := redistest.Linked(b)
	away, _ := server(b, cfg, nil)
	link.Cut()
	for _, source := range []struct {
		name string
		rows *cache.Rows[*row]
	}{
		{"redis", cache.NewRows[*row](c, "Get", time.Minute)},
		{"postgres", cache.NewRows[*row](nil, "Get", time.Minute)},
		{"away", cache.NewRows[*row](away, "Get", time.Minute)},
	} {
		for id := range rows {
			if _, err := source.rows.Get(b.Context(), fmt.Sprint(id), load(id)); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(source.name+"/one", func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				if _, err := source.rows.Get(b.Context(), fmt.Sprint(n%rows), load(n%rows)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(source.name+"/many", func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for n := 0; pb.Next(); n++ {
					if _, err := source.rows.Get(b.Context(), fmt.Sprint(n%rows), load(n%rows)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
