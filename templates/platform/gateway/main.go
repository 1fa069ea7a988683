package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/otel"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/service"
	"github.com/msgen-dev/msgen/templates/platform/telemetry"
)

// config is what the environment says, over the architecture spec where both do.
type config struct {
	HTTPAddr string `env:"HTTP_ADDR" envDefault:":8080"` // port 0: any that is free
	// TrustedProxies are addresses or CIDRs whose X-Forwarded-For is believed; without any, the client is who connects.
	TrustedProxies []string `env:"TRUSTED_PROXIES" envSeparator:","`
	Issuer         string   `env:"JWT_ISSUER"`
	Audience       string   `env:"JWT_AUDIENCE"`
	JWKS           string   `env:"JWT_JWKS_URL"`
	Process        service.Config
}

// Main runs the gateway until SIGTERM or an interrupt, and returns the process's exit code: 0 after an orderly end with
// every request answered. setup connects to the services and adds the routes. The operations endpoint, readiness and
// the order of the end are those of package service.
func Main(opts Options, setup func(ctx context.Context, gw *Gateway) error) int {
	if code, asked := service.Healthcheck(os.Args, os.Stderr, opts.Name, opts.Trust); asked {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its default effect again

	cfg := config{Process: service.Config{
		Grace:     opts.Grace,
		Telemetry: telemetry.Config{Sampling: opts.Sampling, LogFormat: opts.Logs},
		Trust:     opts.Trust,
	}}
	err := service.LoadEnv(&cfg)
	if err == nil {
		cfg.Process.GRPCAddr = "" // nobody calls a gateway by gRPC
		err = service.Run(ctx, opts.Name, cfg.Process, func(ctx context.Context, app *service.App) error {
			return start(ctx, app, cfg, opts, setup)
		})
	}
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("stopped", "service", opts.Name, "error", err)
		return 1
	}
	return 0
}

// start makes the gateway a worker of the process.
func start(ctx context.Context, app *service.App, cfg config, opts Options, setup func(context.Context, *Gateway) error) error {
	opts.Grace = cfg.Process.Grace
	store, err := openStore(app, opts)
	if err != nil {
		return err
	}
	gw, err := newGateway(cfg.override(opts), dependencies{
		logger:         app.Logger,
		registry:       app.Registry,
		tracer:         otel.Tracer("gateway"),
		store:          store,
		trustedProxies: cfg.TrustedProxies,
		dial:           app.Dial,
	})
	if err != nil {
		return err
	}
	if err := setup(ctx, gw); err != nil {
		return err
	}
	if err := errors.Join(gw.errs...); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	if gw.auth != nil {
		app.Go("signing keys", func(ctx context.Context) error { gw.auth.keys.Run(ctx); return nil })
		app.Ready("signing keys", func(context.Context) error { return gw.auth.keys.Ready() })
	}
	app.Ready("services", func(context.Context) error { return gw.reachable() })
	app.Go("http", func(ctx context.Context) error { return gw.serve(ctx, gw.server(), listener) })
	return nil
}

// openStore connects to what replicas share; nil if they share nothing.
func openStore(app *service.App, opts Options) (*kv.Store, error) {
	if opts.RateLimit.Shared == "" {
		return nil, nil //nolint:nilnil // no store is no error
	}
	var cfg kv.Config
	if err := service.LoadEnv(&cfg); err != nil {
		return nil, err
	}
	store, err := kv.Open(cfg, app.Registry, app.Logger)
	if err != nil {
		return nil, err
	}
	app.OnClose("redis", func(context.Context) error { return store.Close() })
	return store, nil
}

// override returns opts as the environment changes them. It can move authentication, and never turn it off.
func (cfg *config) override(opts Options) Options {
	if opts.JWT != nil {
		opts.JWT = &JWT{
			Issuer:   cmp.Or(cfg.Issuer, opts.JWT.Issuer),
			Audience: cmp.Or(cfg.Audience, opts.JWT.Audience),
			JWKS:     cmp.Or(cfg.JWKS, opts.JWT.JWKS),
		}
	}
	return opts
}

// serve serves until ctx ends, then accepts nothing new and finishes what it has. Requests that take longer than the
// grace are cut off.
func (gw *Gateway) serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	gw.logger.InfoContext(ctx, "serving http", slog.String("http", listener.Addr().String()))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), gw.opts.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
		return fmt.Errorf("requests cut off after %v: %w", gw.opts.Grace, err)
	}
	return nil
}
