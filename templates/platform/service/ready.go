package service

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

const (
	checkTimeout = 2 * time.Second // of one check
	checkAge     = time.Second     // how long an answer holds: many probes cost one round of checks
	checkEvery   = 5 * time.Second // for gRPC's health, which clients watch rather than ask for
)

// readiness is whether the process takes requests. It is told over HTTP, to the orchestrator, and over gRPC, to clients.
type readiness struct {
	logger  *slog.Logger
	grpc    *health.Server
	serving atomic.Bool // set up, and not told to stop

	mu      sync.Mutex // held during a round of checks, so that probes wait for it rather than start their own
	checks  []check
	at      time.Time
	failing []string // at that time, in the order of checks
}

type check struct {
	name string
	run  func(ctx context.Context) error
}

func newReadiness(logger *slog.Logger) *readiness {
	r := &readiness{logger: logger, grpc: health.NewServer()}
	r.grpc.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	return r
}

func (r *readiness) add(name string, run func(ctx context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks = append(r.checks, check{name, run})
}

// open ends the time of setup.
func (r *readiness) open(ctx context.Context) {
	r.serving.Store(true)
	r.state(ctx)
}

// close is for good, and does not wait for checks.
func (r *readiness) close() {
	r.serving.Store(false)
	r.grpc.Shutdown()
}

// watch keeps gRPC's health up to date until ctx ends.
func (r *readiness) watch(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.state(ctx)
		}
	}
}

// state returns whether the process is set up and not stopping, and which checks fail.
func (r *readiness) state(ctx context.Context) (serving bool, failing []string) {
	if !r.serving.Load() {
		return false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < checkAge {
		return true, r.failing
	}
	failing = r.round(context.WithoutCancel(ctx)) // a probe that gives up must not be the answer for the others
	if len(failing) == 0 && (len(r.failing) > 0 || r.at.IsZero()) {
		r.logger.InfoContext(ctx, "ready")
	}
	r.failing, r.at = failing, time.Now()

	status := healthpb.HealthCheckResponse_SERVING
	if len(failing) > 0 {
		status = healthpb.HealthCheckResponse_NOT_SERVING
	}
	r.grpc.SetServingStatus("", status) // without effect after Shutdown
	return r.serving.Load(), failing
}

// round runs the checks side by side and returns the names of those that fail.
func (r *readiness) round(ctx context.Context) (failing []string) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	errs := make([]error, len(r.checks))
	var wg sync.WaitGroup
	for i, c := range r.checks {
		wg.Go(func() { errs[i] = bounded(ctx, c.run) })
	}
	wg.Wait()
	for i, c := range r.checks {
		if errs[i] != nil {
			failing = append(failing, c.name)
			r.logger.WarnContext(ctx, "not ready", "check", c.name, "error", errs[i])
		}
	}
	return failing
}
