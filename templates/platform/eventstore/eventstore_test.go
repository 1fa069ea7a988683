package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
)

type plants = Log[*testpb.Plant]

func newPlants(every int64) *plants {
	return New[*testpb.Plant](Options{Aggregate: "Plant", Source: "/garden/plants", Topic: "garden.plants.events", Prefix: "com.example.Plant", SnapshotEvery: every})
}

func newPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, pgtest.Set{Name: "outbox", FS: outbox.Migrations}, pgtest.Set{Name: "eventstore", FS: Migrations})
}

// change appends what fn makes of the stream's state.
func change(ctx context.Context, pool *pgxpool.Pool, l *plants, stream string, fn func(p *testpb.Plant)) (s State[*testpb.Plant], err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if s, err = l.LoadForUpdate(ctx, tx, stream); err != nil {
			return err
		}
		now := proto.CloneOf(s.Value)
		fn(now)
		typ := Updated
		if !s.Live {
			typ = Created
		}
		s, err = l.Append(ctx, tx, s, typ, now)
		return err
	})
	return s, err
}

func mustChange(t testing.TB, pool *pgxpool.Pool, l *plants, stream string, fn func(p *testpb.Plant)) State[*testpb.Plant] {
	t.Helper()
	s, err := change(t.Context(), pool, l, stream, fn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func remove(t testing.TB, pool *pgxpool.Pool, l *plants, stream string) State[*testpb.Plant] {
	t.Helper()
	var s State[*testpb.Plant]
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		if s, err = l.LoadForUpdate(t.Context(), tx, stream); err == nil {
			s, err = l.Remove(t.Context(), tx, s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// randomize sets or clears some fields of each kind.
func randomize(r *rand.Rand, p *testpb.Plant) {
	for range 1 + r.IntN(4) {
		switch r.IntN(9) {
		case 0:
			p.Name = []string{"", "oak", "elm"}[r.IntN(3)]
		case 1:
			p.Price = &money.Money{CurrencyCode: "EUR", Units: r.Int64N(5)}
		case 2:
			p.Price = nil
		case 3:
			p.Kind = testpb.Plant_Kind(r.IntN(3))
		case 4:
			p.Leaves = append(p.Leaves, &testpb.Leaf{Veins: r.Int64N(100)})
		case 5:
			p.Leaves = nil
		case 6:
			p.Counts = map[int64]uint64{r.Int64N(3): r.Uint64N(3)}
		case 7:
			p.Evergreen = !p.Evergreen
		case 8:
			p.Photo = []byte{byte(r.IntN(3))}
		}
	}
}

// Random events with snapshots at random distances: the state from the last snapshot is the fold from the first event, and what a model
// that forgets nothing says.
func TestAnyHistoryIsTheSameWithSnapshots(t *testing.T) {
	pool := newPool(t)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		stream := fmt.Sprint("s", seed)
		model := &testpb.Plant{}
		n := 1 + r.IntN(25)
		for range n {
			l := newPlants(1 + r.Int64N(6)) // a release may choose another distance
			if r.IntN(10) == 0 {
				remove(t, pool, l, stream)
				model = &testpb.Plant{}
				continue
			}
			now := proto.CloneOf(model)
			randomize(r, now)
			mustChange(t, pool, l, stream, func(p *testpb.Plant) { proto.Reset(p); proto.Merge(p, now) })
			model = now
		}
		loaded, err := newPlants(0).Load(t.Context(), pool, stream)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt, err := newPlants(0).Rebuild(t.Context(), pool, stream)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(loaded.Value, rebuilt.Value) || !proto.Equal(loaded.Value, model) {
			t.Fatalf("seed %d: loaded %v\nrebuilt %v\nmodel %v", seed, loaded.Value, rebuilt.Value, model)
		}
		if loaded.Version != int64(n) || rebuilt.Version != int64(n) || loaded.Live != rebuilt.Live ||
			!loaded.Created.Equal(rebuilt.Created) || !loaded.Updated.Equal(rebuilt.Updated) {
			t.Fatalf("seed %d: loaded %+v, rebuilt %+v, want version %d", seed, loaded, rebuilt, n)
		}
	}
	var snapshots int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM eventstore_snapshots").Scan(&snapshots); err != nil || snapshots == 0 {
		t.Errorf("%d snapshots, %v: the test proves nothing", snapshots, err)
	}
}

// The database itself refuses to change the past, whoever asks.
func TestThePastIsFinal(t *testing.T) {
	pool := newPool(t)
	mustChange(t, pool, newPlants(0), "oak", func(p *testpb.Plant) { p.Name = "oak" })
	for _, sql := range []string{
		"UPDATE eventstore SET data = ''", "UPDATE eventstore SET type = 'x' WHERE false", "DELETE FROM eventstore", "TRUNCATE eventstore",
		"INSERT INTO eventstore SELECT * FROM eventstore ON CONFLICT (aggregate, stream, version) DO UPDATE SET type = 'x'",
	} {
		if _, err := pool.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "never changed nor deleted") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if events, err := newPlants(0).Events(t.Context(), pool, "oak"); err != nil || len(events) != 1 || events[0].Type != Created {
		t.Errorf("%v, %v", events, err)
	}
}

// Two writers that have seen the same version and take no lock: one fails, and its transaction can go on.
func TestOneOfTwoWritersFails(t *testing.T) {
	pool := newPool(t)
	l := newPlants(0)
	mustChange(t, pool, l, "oak", func(p *testpb.Plant) { p.Name = "oak" })
	seen, err := l.Load(t.Context(), pool, "oak")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				_, err := l.Append(t.Context(), tx, seen, Updated, &testpb.Plant{Name: fmt.Sprint("oak ", i)})
				if status.Code(err) == codes.Aborted {
					_, still := tx.Exec(t.Context(), "SELECT 1")
					return errors.Join(err, still)
				}
				return err
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !strings.Contains(err.Error(), "changed by somebody else") || strings.Contains(err.Error(), "current transaction is aborted"):
			t.Error(err)
		}
	}
	if events, err := l.Events(t.Context(), pool, "oak"); err != nil || won != 1 || len(events) != 2 {
		t.Errorf("%d writers won, %d events, %v: want 1 and 2", won, len(events), err)
	}
}

// Each event is in the outbox under its own type, and one rolled back is in neither.
func TestEventsArePublished(t *testing.T) {
	pool := newPool(t)
	l := newPlants(0)
	mustChange(t, pool, l, "oak", func(p *testpb.Plant) { p.Name, p.Rings = "oak", 3 })
	mustChange(t, pool, l, "oak", func(p *testpb.Plant) { p.Rings = 0 })
	undo := errors.New("undo")
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		s, err := l.LoadForUpdate(t.Context(), tx, "oak")
		if err == nil {
			_, err = l.Append(t.Context(), tx, s, Updated, &testpb.Plant{Name: "never"})
		}
		return errors.Join(err, undo)
	}); !errors.Is(err, undo) {
		t.Fatal(err)
	}
	remove(t, pool, l, "oak")
	rows, err := pool.Query(t.Context(), "SELECT o.type || ' ' || o.key || ' ' || (o.event_id = e.event_id) || ' ' || e.version FROM outbox o JOIN eventstore e USING (event_id) ORDER BY o.id")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"com.example.Plant.Created oak true 1", "com.example.Plant.Updated oak true 2", "com.example.Plant.Deleted oak true 3"}
	if !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	events, err := l.Events(t.Context(), pool, "oak")
	if err != nil || len(events) != 3 || !slices.Equal(events[1].Changed, []int32{22}) || len(events[1].Data) != 0 || !events[2].Tombstone {
		t.Errorf("%+v, %v", events, err)
	}
}

// An event of an older form is brought up to date when it is read, and never written anew. Snapshots of the older form do not count.
func TestUpcast(t *testing.T) {
	pool := newPool(t)
	old := newPlants(1)
	mustChange(t, pool, old, "oak", func(p *testpb.Plant) { p.Rings = 12 })
	// The number of rings is from now on a text: height = 3 instead of rings = 22.
	textual := func(e Event) (Event, error) {
		var data []byte
		for rest := e.Data; len(rest) > 0; {
			number, kind, n := protowire.ConsumeTag(rest)
			size := protowire.ConsumeFieldValue(number, kind, rest[n:])
			if size < 0 {
				return e, protowire.ParseError(size)
			}
			if number == 22 {
				v, _ := protowire.ConsumeVarint(rest[n:])
				data = protowire.AppendString(protowire.AppendTag(data, 3, protowire.BytesType), fmt.Sprint(v))
			} else {
				data = append(data, rest[:n+size]...)
			}
			rest = rest[n+size:]
		}
		e.Data, e.Changed = data, slices.Clone(e.Changed)
		for i, number := range e.Changed {
			if number == 22 {
				e.Changed[i] = 3
			}
		}
		return e, nil
	}
	now := newPlants(1)
	now.Upcast(textual)
	s, err := now.Load(t.Context(), pool, "oak")
	if err != nil || s.Value.GetHeight() != "12" || s.Value.GetRings() != 0 {
		t.Fatalf("%v, %v", s.Value, err)
	}
	mustChange(t, pool, now, "oak", func(p *testpb.Plant) { p.Height += "!" })
	if s, err = now.Rebuild(t.Context(), pool, "oak"); err != nil || s.Value.GetHeight() != "12!" {
		t.Errorf("%v, %v", s.Value, err)
	}
	events, err := now.Events(t.Context(), pool, "oak")
	if err != nil || events[0].Schema != 0 || events[1].Schema != 1 {
		t.Errorf("%+v, %v", events, err)
	}
	if _, err := old.Load(t.Context(), pool, "oak"); err == nil || !strings.Contains(err.Error(), "newer than this release's") {
		t.Errorf("a release that does not know the new form: %v", err)
	}
}

// A stream with a hole is no stream.
func TestAMissingEventIsNoticed(t *testing.T) {
	pool := newPool(t)
	l := newPlants(0)
	for range 3 {
		mustChange(t, pool, l, "oak", func(p *testpb.Plant) { p.Rings++ })
	}
	if _, err := pool.Exec(t.Context(), "ALTER TABLE eventstore DISABLE TRIGGER USER; DELETE FROM eventstore WHERE version = 2"); err != nil {
		t.Fatal(err)
	}
	if s, err := l.Load(t.Context(), pool, "oak"); err == nil || !strings.Contains(err.Error(), "event 3 follows 1") {
		t.Errorf("%v, %v", s, err)
	}
}

// A field that the spec no longer has is passed over, and a field by a number that no message has.
func TestForgottenFields(t *testing.T) {
	l := newPlants(0)
	s := State[*testpb.Plant]{Value: l.empty()}
	data := protowire.AppendVarint(protowire.AppendTag(nil, 9999, protowire.VarintType), 7)
	if err := l.apply(&s, Event{Version: 1, Changed: []int32{9999}, Data: data}); err != nil || !s.Live || !proto.Equal(s.Value, l.empty()) {
		t.Errorf("%v, %v", s, err)
	}
}

// BenchmarkLoad compares the load of 1,000 events with and without a snapshot.
func BenchmarkLoad(b *testing.B) {
	pool := newPool(b)
	const n = 1000
	for stream, every := range map[string]int64{"folded": n + 1, "snapshot": 100} {
		l := newPlants(every)
		for range n {
			mustChange(b, pool, l, stream, func(p *testpb.Plant) { p.Rings++ })
		}
		b.Run(stream, func(b *testing.B) {
			for b.Loop() {
				if s, err := l.Load(b.Context(), pool, stream); err != nil || s.Value.GetRings() != n {
					b.Fatal(s.Value, err)
				}
			}
		})
	}
}
