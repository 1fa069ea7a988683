// Package service is the process around a service: configuration from the environment, telemetry, the gRPC server, the operations
// endpoint with metrics and probes, background workers, and an orderly end.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/signing"
	"github.com/msgen-dev/msgen/templates/platform/telemetry"
)

// Config is the environment of every service.
type Config struct {
	GRPCAddr string `env:"GRPC_ADDR" envDefault:":9000"` // port 0: any that is free; empty: gRPC is not served
	OpsAddr  string `env:"OPS_ADDR" envDefault:":9100"`  // metrics and probes, over HTTP
	// Grace is how long the process may take to end after SIGTERM.
	Grace time.Duration `env:"SHUTDOWN_GRACE"`
	// DrainDelay is how long it goes on serving after it said that it is not ready, for load balancers that look only now and then.
	DrainDelay time.Duration `env:"DRAIN_DELAY"`
	Telemetry  telemetry.Config
	TLS        mtls.Config
	Signing    signing.Config
	Trust      Trust // no part of the environment: it could turn it off
}

// Trust is whom a service believes.
type Trust struct {
	Mode    string      // mtls.Strict, mtls.Permissive, or "" for plain connections
	Callers rpc.Callers // with a mode or Auth: who may call which method
	Auth    NewAuth     // nil: services show no tokens
	Signed  bool        // messages and requests are signed
}

// Defaults are the architecture spec's, for what the environment leaves out.
type Defaults struct {
	Grace    time.Duration // 0: 30 s
	Sampling float64       // share of the traces begun here, 0 to 1
	Logs     string        // json or text
	Trust    Trust
}

const defaultGrace = 30 * time.Second

// Setup connects the parts of a service. Its context ends when the process is told to stop.
type Setup func(ctx context.Context, app *App) error

// Main runs the service name until SIGTERM or an interrupt, and returns the process's exit code: 0 after an orderly end, 1 when it could
// not start, a worker failed, or the end took longer than the grace. A second signal ends it at once. With the argument "healthcheck" it
// only asks the process beside it whether it is ready.
func Main(name string, defaults Defaults, setup Setup) int {
	if code, asked := Healthcheck(os.Args, os.Stderr, name, defaults.Trust); asked {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its default effect again

	cfg := Config{Grace: defaults.Grace, Telemetry: telemetry.Config{Sampling: defaults.Sampling, LogFormat: defaults.Logs}, Trust: defaults.Trust}
	err := LoadEnv(&cfg)
	if err == nil {
		err = Run(ctx, name, cfg, setup)
	}
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("stopped", "service", name, "error", err)
		return 1
	}
	return 0
}

// Run runs a service until ctx ends or a part of it fails, and returns why it failed, or what did not end in time. The operations
// endpoint answers from the beginning, so that a long setup is seen as alive and not ready; gRPC is served after setup, if cfg has an
// address for it.
func Run(ctx context.Context, name string, cfg Config, setup Setup) (err error) {
	if cfg.Grace <= 0 {
		cfg.Grace = defaultGrace
	}
	tel, err := telemetry.Start(ctx, name, version(), cfg.Telemetry)
	if err != nil {
		return err
	}
	app, err := newApp(ctx, name, tel, cfg)
	if err != nil {
		return err
	}
	ops, err := listen(ctx, cfg.OpsAddr)
	if err != nil {
		return err
	}
	app.serveOps(ops)
	defer func() { err = errors.Join(err, app.stop(cfg)) }()

	if err := setup(ctx, app); err != nil {
		if ctx.Err() != nil {
			app.Logger.Info("told to stop during setup", "error", err)
			return nil
		}
		return fmt.Errorf("set up: %w", err)
	}
	var l net.Listener
	addr := "not served"
	if cfg.GRPCAddr != "" {
		if l, err = listen(ctx, cfg.GRPCAddr); err != nil {
			return err
		}
		addr = l.Addr().String()
	}
	app.start(l)
	app.Logger.Info("serving", "grpc", addr, "ops", app.opsAddr.String())

	select {
	case <-ctx.Done():
		app.Logger.Info("stopping", "grace", cfg.Grace.String())
		return nil
	case err := <-app.failed:
		app.Logger.Error("failed", "error", err)
		return err
	}
}

// newApp returns an app whose server has the health service and nothing else.
func newApp(ctx context.Context, name string, tel *telemetry.Telemetry, cfg Config) (*App, error) {
	options := rpc.ServerOptions{Registry: tel.Registry, Logger: tel.Logger, Mode: cfg.Trust.Mode, Callers: cfg.Trust.Callers}
	if cfg.Trust.Mode != "" {
		var err error
		options.TLS, err = mtls.Open(cfg.TLS, name, mtls.Options{Registry: tel.Registry, Logger: tel.Logger})
		if err != nil {
			return nil, err
		}
	}
	auth, err := cfg.Trust.auth(Process{Name: name, Logger: tel.Logger, Registry: tel.Registry, TLS: options.TLS, Mode: cfg.Trust.Mode})
	if err != nil {
		return nil, fmt.Errorf("service auth: %w", err)
	}
	options.Tokens = auth.Callers
	var keyring *signing.Keyring
	if cfg.Trust.Signed {
		opts := signing.Options{Registry: tel.Registry, Logger: tel.Logger}
		if keyring, err = signing.Open(cfg.Signing, opts); err != nil {
			return nil, err
		}
		if options.Signing, err = signing.NewRequests(keyring, name, opts); err != nil {
			return nil, err
		}
	}
	server, err := rpc.NewServer(options)
	if err != nil {
		return nil, err
	}
	// Workers and checks outlive the signal: they end when calls in flight, which may need them, have ended.
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	app := &App{
		Name: name, Logger: tel.Logger, Registry: tel.Registry, Server: server, Keyring: keyring,
		telemetry: tel, ready: newReadiness(tel.Logger), failed: make(chan error, 1),
		background: background, cancel: cancel, tls: options.TLS, mode: cfg.Trust.Mode, auth: auth, signing: options.Signing,
	}
	for _, work := range auth.Workers {
		app.Go("service auth", work)
	}
	if app.tls != nil {
		app.Go("certificate", app.tls.Watch)
		app.Ready("certificate", app.tls.Valid)
	}
	if keyring != nil {
		app.Go("keyring", keyring.Watch)
	}
	healthpb.RegisterHealthServer(server, app.ready.grpc)
	return app, nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// version is the main module's, or the commit that the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}
