// Package kv opens the Redis in which a system keeps what it can lose: rows that can be read again, and counts of requests. Nothing waits for
// long for a Redis that is gone or hangs, and nothing fails for it.
package kv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// Config is read from the environment.
type Config struct {
	// URL is redis://[user:password@]host:port[/database]; it holds a password and is never logged.
	URL string `env:"REDIS_URL,required"`
	// Prefix goes before every key, so that several installations of the system can share a server: "staging:". Before that of a limit
	// there is another, "rate:".
	Prefix string `env:"REDIS_PREFIX"`
	// Timeout bounds each request, and so what a server that hangs costs.
	Timeout time.Duration `env:"REDIS_TIMEOUT" envDefault:"100ms"`
	// TLS, when it is on, goes before what the URL says.
	TLS mtls.Component `envPrefix:"REDIS_"`
}

// When the breaker opens, and for how long nobody asks the server then.
const (
	failures = 5 // one after the other
	rest     = time.Second
)

// ErrDown is the error of Do while the server is given a rest, as it has not answered lately.
var ErrDown = errors.New("redis does not answer")

// Store is a Redis server. It is safe for concurrent use.
type Store struct {
	client   *redis.Client
	prefix   string
	timeout  time.Duration
	breaker  circuitbreaker.CircuitBreaker[any]
	requests *prometheus.CounterVec
}

// Open returns the store. It does not wait for the server, which may come later. registry may be nil.
func Open(cfg Config, registry prometheus.Registerer, logger *slog.Logger) (*Store, error) {
	opts, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return nil, errors.New("REDIS_URL is not a valid Redis URL") // err could quote the password
	}
	secured, err := cfg.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("REDIS_TLS: %w", err)
	}
	if secured != nil {
		opts.TLSConfig = secured
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 100 * time.Millisecond
	}
	opts.ContextTimeoutEnabled = true
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = cfg.Timeout, cfg.Timeout, cfg.Timeout
	opts.DialerRetries = 1
	opts.MaxRetries = 1 // a connection from the pool may have been closed by the server meanwhile
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	logging.Disable() // what fails is counted and logged here

	s := &Store{client: redis.NewClient(opts), prefix: cfg.Prefix, timeout: cfg.Timeout}
	s.breaker = circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(failures).
		WithDelay(rest).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			switch e.NewState {
			case circuitbreaker.OpenState:
				if e.OldState == circuitbreaker.ClosedState {
					logger.Warn("redis does not answer: going on without it")
				}
			case circuitbreaker.ClosedState:
				logger.Info("redis answers again")
			case circuitbreaker.HalfOpenState:
			}
		}).
		Build()
	s.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "redis_requests_total",
		Help: "Requests to Redis: ok, failed, or skipped because it has not answered lately.",
	}, []string{"result"})
	for _, result := range []string{"ok", "failed", "skipped"} {
		s.requests.WithLabelValues(result)
	}
	if registry != nil {
		if err := registry.Register(s.requests); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close ends the connections.
func (s *Store) Close() error { return s.client.Close() }

// Key is a key under the store's prefix.
func (s *Store) Key(key string) string { return s.prefix + key }

// Do calls fn with the server. It takes no longer than the timeout, and goes on when the caller gives up, so that what is said of the server
// is so. The error is ErrDown, fn's, or the server's; that a key is not there (redis.Nil) is an answer and goes back as it is.
func (s *Store) Do(ctx context.Context, fn func(ctx context.Context, client *redis.Client) error) error {
	if !s.breaker.TryAcquirePermit() {
		s.requests.WithLabelValues("skipped").Inc()
		return ErrDown
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	err := fn(ctx, s.client)
	if err != nil && !errors.Is(err, redis.Nil) {
		s.breaker.RecordFailure()
		s.requests.WithLabelValues("failed").Inc()
		return err
	}
	s.breaker.RecordSuccess()
	s.requests.WithLabelValues("ok").Inc()
	return err
}
