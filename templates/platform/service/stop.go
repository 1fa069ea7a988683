package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// stop ends the service within the grace: readiness, the delay, calls in flight, workers, closers in reverse, the operations endpoint,
// spans. Each phase may take half of what the ones before left, so that one that hangs takes no time from closing cleanly. The error
// says what did not end.
func (a *App) stop(cfg Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Grace)
	defer cancel()
	a.ready.close()
	var errs []error
	if a.started {
		pause(ctx, cfg.DrainDelay)
		errs = append(errs, a.stopCalls(ctx))
	} else {
		a.Server.Stop()
	}
	errs = append(errs, a.stopWorkers(ctx))
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, within(ctx, "close "+c.name, c.close))
	}
	errs = append(errs,
		within(ctx, "close ops", a.ops.Shutdown),
		within(ctx, "wait for servers and workers", func(context.Context) error { a.running.Wait(); return nil }),
	)
	// A collector that is down is logged and no failure of the service.
	if err := a.telemetry.Shutdown(ctx); err != nil {
		a.Logger.Warn("shutdown", "error", err)
	}
	err := errors.Join(errs...)
	if err == nil {
		a.Logger.Info("stopped")
	}
	return err
}

// stopCalls lets the calls in flight end, and cuts off those that last too long.
func (a *App) stopCalls(ctx context.Context) error {
	err := within(ctx, "calls in flight", func(context.Context) error { a.Server.GracefulStop(); return nil })
	a.Server.Stop()
	return err
}

// stopWorkers waits for the workers, and names those that go on.
func (a *App) stopWorkers(ctx context.Context) error {
	a.cancel()
	if !a.started {
		return nil
	}
	ctx, cancel := half(ctx)
	defer cancel()
	var errs []error
	for _, w := range a.workers {
		select {
		case <-w.done:
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("worker %s did not stop in time", w.name))
		}
	}
	return errors.Join(errs...)
}

// within runs f for half of the time that ctx leaves.
func within(ctx context.Context, what string, f func(ctx context.Context) error) error {
	ctx, cancel := half(ctx)
	defer cancel()
	if err := bounded(ctx, f); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// bounded runs f until ctx ends, and goes on without it after that, even if it does not heed ctx.
func bounded(ctx context.Context, f func(ctx context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("not done in time")
	}
}

func half(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
