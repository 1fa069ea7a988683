package service

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/signing"
	"github.com/msgen-dev/msgen/templates/platform/telemetry"
)

// App is a service while it is set up. Its methods are for Setup, which is one goroutine.
type App struct {
	Name     string
	Logger   *slog.Logger
	Registry *prometheus.Registry
	Server   *grpc.Server     // register services here
	Keyring  *signing.Keyring // nil: messages are not signed

	telemetry *telemetry.Telemetry
	ready     *readiness
	workers   []worker
	closers   []closer
	ops       *http.Server
	tls       *mtls.Source      // nil: connections are plain
	mode      string            // with tls
	signing   *signing.Requests // nil: requests are not signed
	auth      *Auth

	background context.Context // of the workers
	cancel     context.CancelFunc
	failed     chan error // the first fault: the others follow from it
	running    sync.WaitGroup
	started    bool     // setup is over
	grpcAddr   net.Addr // what the listeners got; nil: not served
	opsAddr    net.Addr
}

type worker struct {
	name string
	run  func(ctx context.Context) error
	done chan struct{}
}

type closer struct {
	name  string
	close func(ctx context.Context) error
}

// Go adds a worker. It starts after setup, when gRPC is served, and its context ends when the service has answered its last call. A
// worker that fails or panics ends the process; one that returns nil has finished.
func (a *App) Go(name string, run func(ctx context.Context) error) {
	a.workers = append(a.workers, worker{name: name, run: run, done: make(chan struct{})})
}

// Ready adds a condition for taking requests, such as a database that answers. Check has 2 s.
func (a *App) Ready(name string, check func(ctx context.Context) error) { a.ready.add(name, check) }

// OnClose adds what is to be done at the end. The last added is the first done, after the workers ended.
func (a *App) OnClose(name string, f func(ctx context.Context) error) {
	a.closers = append(a.closers, closer{name, f})
}

// Dial returns a connection to a service, closed at the end. The environment variable <SERVICE>_TARGET, such as ORDERS_TARGET, overrides
// defaultTarget, such as dns:///orders:9000.
func (a *App) Dial(service, defaultTarget string) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(rpc.Target(service, defaultTarget), rpc.DialOptions{
		Registry: a.Registry, TLS: a.tls, Mode: a.mode, Service: service, Tokens: a.auth.Tokens, Signing: a.signing,
	})
	if err != nil {
		return nil, err
	}
	a.OnClose("connection to "+service, func(context.Context) error { return conn.Close() })
	return conn, nil
}

// ShareNonces makes all replicas of the service refuse a signed request that one of them took. Where requests are not signed it does nothing.
func (a *App) ShareNonces(with signing.Nonces) {
	if a.signing != nil {
		a.signing.Share(with)
	}
}

// start serves gRPC if there is a listener for it, starts the workers and lets requests come.
func (a *App) start(l net.Listener) {
	a.started = true
	if l != nil {
		a.grpcAddr = l.Addr()
		a.spawn("grpc", func() error { return a.Server.Serve(l) })
	}
	for _, w := range a.workers {
		a.spawn(w.name, func() error {
			defer close(w.done)
			err := w.run(a.background)
			if a.background.Err() != nil {
				return nil // told to end: whatever it says now follows from that
			}
			if err == nil {
				a.Logger.Info("worker finished", "worker", w.name)
			}
			return err
		})
	}
	a.ready.open(a.background)
	a.spawn("readiness", func() error { a.ready.watch(a.background); return nil })
}

// spawn runs f and takes its error or panic as the process's end.
func (a *App) spawn(name string, f func() error) {
	a.running.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				a.fail(fmt.Errorf("%s: panic: %v\n%s", name, v, debug.Stack()))
			}
		}()
		if err := f(); err != nil {
			a.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
}

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}
