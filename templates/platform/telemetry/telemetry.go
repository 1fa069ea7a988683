// Package telemetry sets up what a process says about itself: logs (slog), traces (OpenTelemetry over OTLP) and metrics (Prometheus).
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// flushTimeout bounds the export of the last spans: an unreachable collector must not hold up the end of the process.
const flushTimeout = 5 * time.Second

// Config is the process's environment. Its zero value logs JSON at INFO and traces only what a caller already traces; set a field
// before the environment is read to give it another default.
type Config struct {
	// Endpoint is the URL of an OTLP/gRPC collector, http://host:4317, or https:// for TLS. Without it no span leaves the process,
	// but trace ids still reach the logs and the services called.
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// Sampling is the share, 0 to 1, of the traces begun here that are recorded. One begun elsewhere is recorded if its caller does.
	Sampling  float64    `env:"TRACE_SAMPLING"`
	LogLevel  slog.Level `env:"LOG_LEVEL"`  // DEBUG, INFO, WARN or ERROR
	LogFormat string     `env:"LOG_FORMAT"` // json or text
}

// Telemetry is one process's logger and metrics registry. Tracing is global in OpenTelemetry: use otel.Tracer.
type Telemetry struct {
	Logger   *slog.Logger
	Registry *prometheus.Registry

	provider *sdktrace.TracerProvider
}

// Start sets the global tracer provider, W3C propagators and OpenTelemetry error handler, and returns the rest. It does not wait for
// the collector. The logger writes to standard output.
func Start(ctx context.Context, service, version string, cfg Config) (*Telemetry, error) {
	return start(ctx, service, version, cfg, os.Stdout)
}

func start(ctx context.Context, service, version string, cfg Config, logs io.Writer) (*Telemetry, error) {
	if cfg.Sampling < 0 || cfg.Sampling > 1 {
		return nil, fmt.Errorf("TRACE_SAMPLING %v is not between 0 and 1", cfg.Sampling)
	}
	handler, err := newHandler(logs, cfg)
	if err != nil {
		return nil, err
	}
	logger := slog.New(handler).With("service", service)
	provider, err := newProvider(ctx, service, version, cfg)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)

	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.Warn("telemetry", "error", err)
	}))
	return &Telemetry{Logger: logger, Registry: registry, provider: provider}, nil
}

// newProvider returns a provider that exports in batches, or one that only hands on trace contexts.
func newProvider(ctx context.Context, service, version string, cfg Config) (*sdktrace.TracerProvider, error) {
	res, err := resource.New(ctx,
		resource.WithFromEnv(), // OTEL_RESOURCE_ATTRIBUTES: what the platform knows, such as the pod
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version)),
	)
	if err != nil {
		return nil, fmt.Errorf("describe the process to OpenTelemetry: %w", err)
	}
	opts := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(res),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.Sampling))),
	}
	if cfg.Endpoint != "" {
		u, err := url.Parse(cfg.Endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is no URL like http://host:4317 or https://host:4317")
		}
		exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.Endpoint)) // http is plain text, https TLS
		if err != nil {
			return nil, fmt.Errorf("start the OTLP exporter: %w", err)
		}
		opts = append(opts, sdktrace.WithBatcher(exporter))
	}
	return sdktrace.NewTracerProvider(opts...), nil
}

// Shutdown exports the spans not yet sent, for 5 s at most and no longer than ctx allows. Spans ended afterwards are dropped.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("flush traces: %w", err)
	}
	return nil
}
