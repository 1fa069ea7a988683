package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a service that runs inside the test.
type process struct {
	app    *App
	stop   context.CancelFunc // as SIGTERM does
	result chan error
}

// run starts a service and returns when it serves.
func run(t *testing.T, setup func(app *App)) *process {
	t.Helper()
	return runWithin(t, time.Minute, setup)
}

func runWithin(t *testing.T, grace time.Duration, setup func(app *App)) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{stop: cancel, result: make(chan error, 1)}
	up := make(chan struct{})
	go func() {
		p.result <- Run(ctx, "orders", testConfig(grace), func(_ context.Context, app *App) error {
			p.app = app
			app.Go("tell the test", func(context.Context) error { close(up); return nil })
			setup(app)
			return nil
		})
	}()
	t.Cleanup(cancel)
	select {
	case <-up:
	case err := <-p.result:
		t.Fatalf("ended before it served: %v", err)
	}
	for !p.app.opened() && len(p.result) == 0 { // a worker may also end it before
		time.Sleep(time.Millisecond)
	}
	return p
}

// opened reports that the first answer on readiness has been given, over HTTP and gRPC, which is after the workers were started.
func (a *App) opened() bool {
	a.ready.mu.Lock()
	defer a.ready.mu.Unlock()
	return !a.ready.at.IsZero()
}

func testConfig(grace time.Duration) Config {
	return Config{GRPCAddr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0", Grace: grace, Telemetry: telemetry.Config{LogLevel: 100}}
}

// get asks the operations endpoint.
func (p *process) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + p.app.opsAddr.String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func (p *process) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(p.app.grpcAddr.String(), rpc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// method registers the service test with one method, Do.
func method(app *App, do func(ctx context.Context) error) {
	app.Server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Do", Handler: func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			req := &emptypb.Empty{}
			if err := decode(req); err != nil {
				return nil, err
			}
			return intercept(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test/Do"},
				func(ctx context.Context, _ any) (any, error) { return &emptypb.Empty{}, do(ctx) })
		}}},
	}, struct{}{})
}

// A gateway has its own server, and nobody who would call it by gRPC.
func TestWithoutGRPC(t *testing.T) {
	cfg := testConfig(time.Minute)
	cfg.GRPCAddr = ""
	ctx, stop := context.WithCancel(t.Context())
	err := Run(ctx, "gateway", cfg, func(_ context.Context, app *App) error {
		app.Go("look around", func(context.Context) error {
			defer stop()
			if app.grpcAddr != nil {
				return fmt.Errorf("gRPC is served at %v", app.grpcAddr)
			}
			for !app.opened() {
				time.Sleep(time.Millisecond)
			}
			p := &process{app: app}
			if code, body := p.get(t, "/readyz"); code != 200 {
				return fmt.Errorf("readyz: %d %s", code, body)
			}
			return nil
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestProbesAndMetrics(t *testing.T) {
	var down atomic.Bool
	p := run(t, func(app *App) {
		app.Ready("database", func(context.Context) error {
			if down.Load() {
				return errors.New("password of the database")
			}
			return nil
		})
		app.Ready("broker", func(context.Context) error { return nil })
	})
	if code, body := p.get(t, "/healthz"); code != 200 || body != "{\"status\":\"ok\"}\n" {
		t.Errorf("healthz: %d %s", code, body)
	}
	if code, body := p.get(t, "/readyz"); code != 200 || body != "{\"status\":\"ready\"}\n" {
		t.Errorf("readyz: %d %s", code, body)
	}
	if code, body := p.get(t, "/metrics"); code != 200 || !strings.Contains(body, "go_goroutines ") {
		t.Errorf("metrics: %d %.200s", code, body)
	}
	if code, _ := p.get(t, "/debug"); code != 404 {
		t.Errorf("unknown path: %d", code)
	}
	health := healthpb.NewHealthClient(p.dial(t))
	if res, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || res.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("grpc health: %v, %v", res, err)
	}

	down.Store(true)
	p.app.ready.mu.Lock()
	p.app.ready.at = time.Time{}.Add(1) // as if the answer had been given long ago
	p.app.ready.mu.Unlock()
	for range 2 { // asked, and from memory
		if code, body := p.get(t, "/readyz"); code != 503 || body != "{\"status\":\"not ready\",\"failing\":[\"database\"]}\n" {
			t.Errorf("readyz with the database down: %d %s", code, body)
		}
	}
	if code, _ := p.get(t, "/healthz"); code != 200 {
		t.Errorf("healthz with the database down: %d: a restart would not mend it", code)
	}
	// Not over the connection: it watches health, and would not send the question.
	res, err := p.app.ready.grpc.Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || res.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("grpc health with the database down: %v, %v", res, err)
	}
	p.stop()
	if err := <-p.result; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestReadinessAsksOnceForManyProbes(t *testing.T) {
	var rounds atomic.Int32
	p := run(t, func(app *App) {
		app.Ready("database", func(context.Context) error { rounds.Add(1); return nil })
	})
	p.app.ready.mu.Lock()
	p.app.ready.at = time.Now().Add(time.Hour)
	p.app.ready.mu.Unlock()
	before := rounds.Load()
	for range 5 {
		p.get(t, "/readyz")
	}
	if got := rounds.Load() - before; got != 0 {
		t.Errorf("%d rounds of checks while the last answer holds", got)
	}
	p.stop()
	if err := <-p.result; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestStopInOrder(t *testing.T) {
	inCall, release := make(chan struct{}), make(chan struct{})
	var order []string // written by one phase after the other: the race detector holds it
	p := run(t, func(app *App) {
		method(app, func(context.Context) error {
			close(inCall)
			<-release
			order = append(order, "call")
			return nil
		})
		app.Go("worker", func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, "worker")
			return ctx.Err()
		})
		app.OnClose("first", func(context.Context) error { order = append(order, "first"); return nil })
		app.OnClose("second", func(context.Context) error { order = append(order, "second"); return nil })
	})
	conn := p.dial(t)
	called := make(chan error, 1)
	go func() { called <- conn.Invoke(context.Background(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}) }()
	<-inCall
	p.stop()
	for code, body := p.get(t, "/readyz"); code == 200; code, body = p.get(t, "/readyz") {
		_ = body // until the signal has been taken
	}
	select {
	case err := <-p.result:
		t.Fatalf("ended with a call in flight: %v", err)
	default:
	}
	close(release)
	if err := <-called; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-p.result; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if got := strings.Join(order, " "); got != "call worker second first" {
		t.Errorf("order: %s", got)
	}
}

func TestWhatHangsIsCutOffAndNamed(t *testing.T) {
	release := make(chan struct{})
	inCall := make(chan struct{})
	closed := false
	p := runWithin(t, 400*time.Millisecond, func(app *App) {
		method(app, func(context.Context) error { close(inCall); <-release; return nil })
		app.Go("deaf", func(context.Context) error { <-release; return nil })
		app.OnClose("database", func(context.Context) error { closed = true; return nil })
		app.OnClose("stuck", func(context.Context) error { <-release; return nil })
	})
	conn := p.dial(t)
	called := make(chan error, 1)
	go func() { called <- conn.Invoke(context.Background(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}) }()
	select {
	case <-inCall:
	case err := <-called:
		t.Fatalf("the call did not come in: %v", err)
	}
	p.stop()
	err := <-p.result
	close(release)
	for _, want := range []string{"calls in flight", "worker deaf", "close stuck"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if !closed {
		t.Error("the database was not closed: a part that hangs must leave time for the others")
	}
	if err := <-called; status.Code(err) != codes.Unavailable {
		t.Errorf("the call that was cut off: %v", err)
	}
}

func TestWorkerThatFailsEndsTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		work func(context.Context) error
		want string
	}{
		"error": {func(context.Context) error { return errors.New("lost the lock") }, "relay: lost the lock"},
		"panic": {func(context.Context) error { panic("nil map") }, "relay: panic: nil map"},
	} {
		t.Run(name, func(t *testing.T) {
			closed := false
			p := run(t, func(app *App) {
				app.Go("relay", c.work)
				app.OnClose("database", func(context.Context) error { closed = true; return nil })
			})
			if err := <-p.result; err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if !closed {
				t.Error("not closed")
			}
		})
	}
}

func TestSetupThatFails(t *testing.T) {
	closed := false
	err := Run(t.Context(), "orders", testConfig(time.Minute), func(_ context.Context, app *App) error {
		app.OnClose("database", func(context.Context) error { closed = true; return nil })
		app.Go("worker", func(context.Context) error { t.Error("started"); return nil })
		return errors.New("no migration")
	})
	if err == nil || err.Error() != "set up: no migration" {
		t.Errorf("got %v", err)
	}
	if !closed {
		t.Error("what was opened is not closed")
	}
}

func TestToldToStopDuringSetup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := Run(ctx, "orders", testConfig(time.Minute), func(ctx context.Context, app *App) error {
		p := &process{app: app}
		if code, _ := p.get(t, "/healthz"); code != 200 {
			t.Errorf("healthz during setup: %d", code)
		}
		if code, body := p.get(t, "/readyz"); code != 503 || !strings.Contains(body, "starting") {
			t.Errorf("readyz during setup: %d %s", code, body)
		}
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("got %v: being told to stop is no failure", err)
	}
}

func TestAddressInUse(t *testing.T) {
	p := run(t, func(*App) {})
	cfg := testConfig(time.Minute)
	cfg.GRPCAddr = p.app.grpcAddr.String()
	err := Run(t.Context(), "orders", cfg, func(context.Context, *App) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
	p.stop()
	if err := <-p.result; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestDial(t *testing.T) {
	p := run(t, func(app *App) { method(app, func(context.Context) error { return nil }) })
	t.Setenv("ORDER_HISTORY_TARGET", p.app.grpcAddr.String())
	q := run(t, func(app *App) {
		for range 2 { // connections share their metrics
			conn, err := app.Dial("order-history", "dns:///nowhere.invalid:9000")
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.Invoke(t.Context(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
				t.Error(err)
			}
		}
	})
	if _, body := q.get(t, "/metrics"); !strings.Contains(body, `grpc_client_handled_total{grpc_code="OK",grpc_method="Do",grpc_service="test",grpc_type="unary"} 2`) {
		t.Errorf("no client metrics in:\n%s", body)
	}
	for _, p := range []*process{q, p} {
		p.stop()
		if err := <-p.result; err != nil {
			t.Error(err)
		}
	}
}

func TestLoadEnv(t *testing.T) {
	type config struct {
		Config
		Pool struct {
			URL   string        `env:"DATABASE_URL,required"`
			Wait  time.Duration `env:"DATABASE_WAIT" envDefault:"3s"`
			Conns int           `env:"DATABASE_MAX_CONNS"`
		}
	}
	t.Run("defaults and presets", func(t *testing.T) {
		t.Setenv("DATABASE_URL", "postgres://db/orders")
		t.Setenv("LOG_LEVEL", "warn")
		t.Setenv("GRPC_ADDR", "127.0.0.1:1")
		var cfg config
		cfg.Telemetry.Sampling, cfg.Grace = 0.25, time.Minute
		if err := LoadEnv(&cfg); err != nil {
			t.Fatal(err)
		}
		want := config{Config: Config{GRPCAddr: "127.0.0.1:1", OpsAddr: ":9100", Grace: time.Minute,
			Telemetry: telemetry.Config{Sampling: 0.25, LogLevel: 4}}}
		want.Pool.URL, want.Pool.Wait = "postgres://db/orders", 3*time.Second
		if !reflect.DeepEqual(cfg, want) {
			t.Errorf("got %+v", cfg)
		}
	})
	t.Run("every problem at once", func(t *testing.T) {
		t.Setenv("SHUTDOWN_GRACE", "soon")
		t.Setenv("TRACE_SAMPLING", "half")
		t.Setenv("DATABASE_MAX_CONNS", "many")
		err := LoadEnv(&config{})
		for _, want := range []string{"SHUTDOWN_GRACE: ", "TRACE_SAMPLING: ", "DATABASE_MAX_CONNS: ", "DATABASE_URL is not set"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is missing in: %v", want, err)
			}
		}
	})
}
