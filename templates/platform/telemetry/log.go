package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// newHandler returns the handler of every log line of the process.
func newHandler(w io.Writer, cfg Config) (slog.Handler, error) {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel, ReplaceAttr: redact}
	switch cfg.LogFormat {
	case "", "json":
		return traced{slog.NewJSONHandler(w, opts)}, nil
	case "text":
		return traced{slog.NewTextHandler(w, opts)}, nil
	default:
		return nil, fmt.Errorf("LOG_FORMAT %q is neither json nor text", cfg.LogFormat)
	}
}

// redact hides values by their key. It is the last net, under the rule that secrets are not logged: it cannot see into a message's
// text or into a struct.
func redact(_ []string, a slog.Attr) slog.Attr {
	switch strings.ToLower(a.Key) {
	case "authorization", "token", "password", "secret":
		return slog.String(a.Key, "[redacted]")
	}
	return a
}

// traced adds the ids of the trace that the context belongs to.
type traced struct{ slog.Handler }

// Handle implements slog.Handler.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone() // the record may be shared with other handlers
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
