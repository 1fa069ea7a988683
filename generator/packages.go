package generator

import (
	"path"

	"github.com/msgen-dev/msgen/generator/view"
)

// packages is the import table of a system's templates: name in the code → import path.
func packages(sys *view.System) map[string]string {
	table := map[string]string{
		"context": "context", "embed": "embed", "errors": "errors", "fmt": "fmt", "fs": "io/fs", "net": "net", "os": "os",
		"slog": "log/slog", "strings": "strings", "testing": "testing", "time": "time",

		"codes":         "google.golang.org/grpc/codes",
		"bufconn":       "google.golang.org/grpc/test/bufconn",
		"durationpb":    "google.golang.org/protobuf/types/known/durationpb",
		"money":         "google.golang.org/genproto/googleapis/type/money",
		"emptypb":       "google.golang.org/protobuf/types/known/emptypb",
		"fieldmaskpb":   "google.golang.org/protobuf/types/known/fieldmaskpb",
		"grpc":          "google.golang.org/grpc",
		"insecure":      "google.golang.org/grpc/credentials/insecure",
		"pgconn":        "github.com/jackc/pgx/v5/pgconn",
		"pgx":           "github.com/jackc/pgx/v5",
		"pgxpool":       "github.com/jackc/pgx/v5/pgxpool",
		"prometheus":    "github.com/prometheus/client_golang/prometheus",
		"proto":         "google.golang.org/protobuf/proto",
		"status":        "google.golang.org/grpc/status",
		"timestamppb":   "google.golang.org/protobuf/types/known/timestamppb",
		"uuid":          "github.com/google/uuid",
		"protovalidate": "buf.build/go/protovalidate",
	}
	for _, name := range []string{
		"cache", "column", "etag", "event", "eventstore", "gateway", "idempotency", "inbox", "jwks", "kafka", "kv", "localca", "mask", "messaging", "mtls", "outbox",
		"page", "pgtest", "postgres", "projection", "resilience", "rpc", "saga", "sample", "service", "servicetest", "shard", "signing", "stuck", "telemetry", "token",
	} {
		table[name] = path.Join(sys.Module, "platform", name)
	}
	table[sys.EventsPackage] = sys.EventsImport
	for _, s := range sys.Services {
		table[s.Package] = s.Import
	}
	return table
}
