package cache_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/cache"
	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

type row = wrapperspb.StringValue

// server is one process with a cache of its own.
func server(t testing.TB, cfg kv.Config, registry prometheus.Registerer) (*cache.Cache, *kv.Store) {
	t.Helper()
	store, err := kv.Open(cfg, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c, err := cache.New(store, "shop:orders:", registry)
	if err != nil {
		t.Fatal(err)
	}
	return c, store
}

func rows(t testing.TB, cfg kv.Config) *cache.Rows[*row] {
	t.Helper()
	c, _ := server(t, cfg, nil)
	return cache.NewRows[*row](c, "GetOrder", time.Minute)
}

// loader is a database with one row.
type loader struct {
	value atomic.Value
	loads atomic.Int64
}

func (l *loader) set(v string) *loader { l.value.Store(v); return l }

func (l *loader) load(context.Context) (*row, error) {
	l.loads.Add(1)
	v, _ := l.value.Load().(string)
	return wrapperspb.String(v), nil
}

func get(t testing.TB, r *cache.Rows[*row], key string, load func(context.Context) (*row, error)) string {
	t.Helper()
	got, err := r.Get(t.Context(), key, load)
	if err != nil {
		t.Fatal(err)
	}
	v := got.GetValue()
	got.Value = "the caller's to change"
	return v
}

func TestGet(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	c, _ := server(t, redistest.Config(t), registry)
	r := cache.NewRows[*row](c, "GetOrder", time.Minute)
	db := new(loader).set("one")
	for range 3 {
		if v := get(t, r, "a", db.load); v != "one" {
			t.Errorf("got %q", v)
		}
	}
	if n := db.loads.Load(); n != 1 {
		t.Errorf("%d loads, want one", n)
	}
	db.set("two")
	r.Forget(t.Context(), "a")
	for range 3 { // not kept for now, so read each time
		if v := get(t, r, "a", db.load); v != "two" {
			t.Errorf("after the change: %q", v)
		}
	}
	if n := db.loads.Load(); n != 4 {
		t.Errorf("%d loads, want 4", n)
	}
	const want = `# HELP cache_reads_total Cached reads: a hit, a miss, or an error of Redis. All but hits read the database.
# TYPE cache_reads_total counter
cache_reads_total{method="GetOrder",result="error"} 0
cache_reads_total{method="GetOrder",result="hit"} 2
cache_reads_total{method="GetOrder",result="miss"} 4
# HELP cache_forgets_total Rows that were to be forgotten because they have changed: ok, or failed. A row that could not be forgotten may be out of date until its time is over.
# TYPE cache_forgets_total counter
cache_forgets_total{method="GetOrder",result="failed"} 0
cache_forgets_total{method="GetOrder",result="ok"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "cache_reads_total", "cache_forgets_total"); err != nil {
		t.Error(err)
	}
}

// TestStaleLoadIsNotKept has a reader that loads a row before it is changed and is done only afterwards, on another replica.
func TestStaleLoadIsNotKept(t *testing.T) {
	cfg := redistest.Config(t)
	reader, writer := rows(t, cfg), rows(t, cfg)
	loaded, changed := make(chan struct{}), make(chan struct{})
	done := make(chan string)
	go func() {
		got, err := reader.Get(context.WithoutCancel(t.Context()), "a", func(context.Context) (*row, error) {
			close(loaded)
			<-changed
			return wrapperspb.String("old"), nil
		})
		if err != nil {
			t.Error(err)
		}
		done <- got.GetValue()
	}()
	<-loaded
	writer.Forget(t.Context(), "a")
	// Who asks now does not wait for what was loaded before, though on the same replica.
	if v := get(t, reader, "a", new(loader).set("new").load); v != "new" {
		t.Errorf("read %q after the change, while the old one is loaded", v)
	}
	close(changed)
	<-done
	if v := get(t, writer, "a", new(loader).set("new").load); v != "new" {
		t.Errorf("read %q after the change", v)
	}
	if v := get(t, reader, "a", new(loader).set("new").load); v != "new" {
		t.Errorf("read %q after the change, where the old one was loaded", v)
	}
}

// TestChanges has many replicas read and write rows: no read that was on its way during a change puts back what was so before.
func TestChanges(t *testing.T) {
	cfg := redistest.Config(t)
	const keys, replicas, writes = 3, 4, 150
	var values [keys]atomic.Int64 // what is committed
	var group sync.WaitGroup
	stop := make(chan struct{})
	all := make([]*cache.Rows[*row], replicas)
	for i := range all {
		all[i] = rows(t, cfg)
	}
	for i := range all {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				key := n % keys
				_, err := all[i].Get(t.Context(), strconv.Itoa(key), func(context.Context) (*row, error) {
					v := values[key].Load()
					time.Sleep(rand.N(3 * time.Millisecond))
					return wrapperspb.String(strconv.FormatInt(v, 10)), nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range writes {
		key := n % keys
		values[key].Add(1)
		all[n%replicas].Forget(t.Context(), strconv.Itoa(key))
		time.Sleep(rand.N(2 * time.Millisecond))
	}
	close(stop)
	group.Wait()
	for key := range keys {
		for _, r := range all {
			got := get(t, r, strconv.Itoa(key), func(context.Context) (*row, error) {
				return wrapperspb.String(strconv.FormatInt(values[key].Load(), 10)), nil
			})
			if want := strconv.FormatInt(values[key].Load(), 10); got != want {
				t.Errorf("key %d is %s at the end, want %s", key, got, want)
			}
		}
	}
}

// TestOneLoad has many ask for a row at once; the one whose call loads it gives up.
func TestOneLoad(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	c, _ := server(t, redistest.Config(t), registry)
	r := cache.NewRows[*row](c, "GetOrder", time.Minute)
	for try := range 50 {
		if oneLoad(t, registry, r, strconv.Itoa(try)) {
			return
		}
		t.Log("not all have asked in time: once more")
	}
	t.Error("never did all ask in time")
}

// oneLoad is false when the machine was too slow to show anything: a load is shared with those who ask within a second.
func oneLoad(t *testing.T, registry prometheus.Gatherer, r *cache.Rows[*row], key string) (shown bool) {
	t.Helper()
	const callers = 50
	before, end := counted(t, registry, "cache_reads_total", "miss"), time.Now().Add(900*time.Millisecond)
	db := new(loader).set("one")
	release, begun := make(chan struct{}), make(chan struct{})
	var once sync.Once
	load := func(ctx context.Context) (*row, error) {
		once.Do(func() { close(begun) })
		<-release
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return db.load(ctx)
	}
	impatient, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := r.Get(impatient, key, load)
		gone <- err
	}()
	<-begun
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			got, err := r.Get(t.Context(), key, load)
			if err != nil || got.GetValue() != "one" {
				t.Errorf("%v, %v", got, err)
				return
			}
			got.Value = "mine"
		})
	}
	for counted(t, registry, "cache_reads_total", "miss") < before+1+callers && time.Now().Before(end) { // until all know that it is not kept
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // and have joined those who wait
	shown = time.Now().Before(end)
	close(release)
	group.Wait()
	if n := db.loads.Load(); shown && n != 1 {
		t.Errorf("%d loads for %d callers", n, callers)
	}
	return shown
}

// counted is how many of a counter's events had a result.
func counted(t *testing.T, registry prometheus.Gatherer, counter, result string) int {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0.0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == counter && m.GetLabel()[1].GetValue() == result {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return int(n)
}

// TestOldLoadIsNotShared has a load that takes long, and others who do not wait for it: it may be of before a change that they know of.
func TestOldLoadIsNotShared(t *testing.T) {
	r := rows(t, redistest.Config(t))
	begun, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, err := r.Get(t.Context(), "a", func(context.Context) (*row, error) {
			close(begun)
			<-release
			return wrapperspb.String("old"), nil
		})
		if err != nil {
			t.Error(err)
		}
	}()
	<-begun
	for deadline := time.Now().Add(20 * time.Second); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		got, err := r.Get(ctx, "a", new(loader).set("new").load)
		cancel()
		if err == nil && got.GetValue() == "new" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	close(release)
	<-done
	if v := get(t, r, "a", new(loader).set("newer").load); v != "new" {
		t.Errorf("read %q: what took long was kept", v)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	r := rows(t, redistest.Config(t))
	absent := errors.New("absent")
	if _, err := r.Get(t.Context(), "a", func(context.Context) (*row, error) { return nil, absent }); !errors.Is(err, absent) {
		t.Errorf("%v, want the load's", err)
	}
	if v := get(t, r, "a", new(loader).set("one").load); v != "one" {
		t.Errorf("got %q", v)
	}
}

// TestTime shows that a row is kept no longer than it may be, and about as long.
func TestTime(t *testing.T) {
	cfg := redistest.Config(t)
	c, store := server(t, cfg, nil)
	r := cache.NewRows[*row](c, "GetOrder", time.Minute)
	different := map[time.Duration]bool{}
	for i := range 20 {
		key := strconv.Itoa(i)
		get(t, r, key, new(loader).set("one").load)
		var ttl time.Duration
		err := store.Do(t.Context(), func(ctx context.Context, client *redis.Client) (err error) {
			ttl, err = client.PTTL(ctx, store.Key("shop:orders:GetOrder:"+key)).Result()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if ttl > time.Minute || ttl < 50*time.Second {
			t.Errorf("kept for %v", ttl)
		}
		different[ttl.Round(10*time.Millisecond)] = true
	}
	if len(different) < 5 {
		t.Errorf("rows that were kept together end together: %v", different)
	}
}

// TestUnreadable shows that what cannot be read is loaded.
func TestUnreadable(t *testing.T) {
	c, store := server(t, redistest.Config(t), nil)
	r := cache.NewRows[*row](c, "GetOrder", time.Minute)
	err := store.Do(t.Context(), func(ctx context.Context, client *redis.Client) error {
		return client.Set(ctx, store.Key("shop:orders:GetOrder:a"), "\xff\xff", time.Minute).Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := get(t, r, "a", new(loader).set("one").load); v != "one" {
		t.Errorf("got %q", v)
	}
}

func TestWithoutRedis(t *testing.T) {
	link, cfg := redistest.Linked(t)
	registry := prometheus.NewPedanticRegistry()
	c, _ := server(t, cfg, registry)
	r := cache.NewRows[*row](c, "GetOrder", time.Minute)
	db := new(loader).set("one")
	get(t, r, "a", db.load)
	link.Hang()
	db.set("two")
	begin := time.Now()
	for range 100 {
		if v := get(t, r, "a", db.load); v != "two" {
			t.Fatalf("got %q", v)
		}
		r.Forget(t.Context(), "a")
	}
	t.Logf("100 reads and changes without Redis took %v", time.Since(begin))
	if untold := counted(t, registry, "cache_forgets_total", "failed"); untold != 100 {
		t.Errorf("%d changes counted that could not be told, want 100", untold)
	}
}

// TestNoCache shows that rows without a cache are loaded.
func TestNoCache(t *testing.T) {
	r := cache.NewRows[*row](nil, "GetOrder", time.Minute)
	db := new(loader).set("one")
	for range 3 {
		get(t, r, "a", db.load)
		r.Forget(t.Context(), "a")
	}
	if n := db.loads.Load(); n != 3 {
		t.Errorf("%d loads, want 3", n)
	}
}
