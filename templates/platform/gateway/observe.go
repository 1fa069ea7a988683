package gateway

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// trace makes the server span, child of the client's by W3C traceparent, named by the route's template. Baggage is not
// taken from clients: services would read it as our own.
func (gw *Gateway) trace(c *gin.Context) {
	ctx := propagation.TraceContext{}.Extract(c.Request.Context(), propagation.HeaderCarrier(c.Request.Header))
	method := knownMethod(c.Request.Method)
	name := method
	if c.FullPath() != "" {
		name += " " + c.FullPath()
	}
	ctx, span := gw.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
	if !span.IsRecording() {
		return
	}
	code := c.Writer.Status()
	span.SetAttributes( // names as in OpenTelemetry's semantic conventions for HTTP
		attribute.String("http.request.method", method),
		attribute.String("http.route", c.FullPath()),
		attribute.Int("http.response.status_code", code),
		attribute.String("url.path", c.Request.URL.Path),
		attribute.String("client.address", exchangeOf(c).clientIP),
		attribute.String("user_agent.original", c.Request.UserAgent()),
		attribute.String("request.id", exchangeOf(c).requestID),
	)
	if code >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(code))
	}
}

// knownMethod keeps what a client invents out of span names and label values.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	default:
		return "_OTHER"
	}
}

// metrics are labelled by the route's template: a path holds ids, and a series for each would have no end.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_server_requests_total",
			Help: "HTTP requests answered, by method, route and status code.",
		}, []string{"method", "route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "http_server_request_duration_seconds",
			Help:    "Time from the request's headers to the end of the answer, in seconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_requests_in_flight",
			Help: "HTTP requests being served.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.inFlight} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (gw *Gateway) measure(c *gin.Context) {
	start := time.Now()
	gw.metrics.inFlight.Inc()
	defer gw.metrics.inFlight.Dec()
	c.Next()
	method, route := knownMethod(c.Request.Method), c.FullPath()
	if route == "" {
		route = "unmatched"
	}
	gw.metrics.requests.WithLabelValues(method, route, strconv.Itoa(c.Writer.Status())).Inc()
	gw.metrics.duration.WithLabelValues(method, route).Observe(time.Since(start).Seconds())
}

// log writes one line for a request. The query is left out: it may hold what logs must not.
func (gw *Gateway) log(c *gin.Context) {
	start := time.Now()
	c.Next()
	level := slog.LevelInfo
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx := c.Request.Context()
	if !gw.logger.Enabled(ctx, level) {
		return
	}
	x := exchangeOf(c)
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", c.Request.Method),
		slog.String("path", c.Request.URL.Path),
		slog.String("route", c.FullPath()),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(0, c.Writer.Size())),
		slog.Duration("duration", time.Since(start)),
		slog.String("client", x.clientIP),
		slog.String("request_id", x.requestID),
	)
	if x.caller != nil {
		attrs = append(attrs, slog.String("subject", x.caller.subject))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", logged(x.err)))
	}
	gw.logger.LogAttrs(ctx, level, "request", attrs...)
}
