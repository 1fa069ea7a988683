package rpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// passes takes the tokens "I am <service>".
type passes struct{}

func (passes) Verify(_ context.Context, token, certified string) (string, error) {
	name, ok := strings.CutPrefix(token, "I am ")
	if !ok || certified != "" && certified != name {
		return "", TokenRefused(codes.Unauthenticated, "who are you?").Err()
	}
	return name, nil
}

// says gives such tokens, for a callee.
type says struct {
	name     string
	audience chan string
	err      error
	garbled  bool
}

func (s says) Token(_ context.Context, audience string) (string, error) {
	s.audience <- audience
	if s.garbled {
		return "hunter2", nil
	}
	return "I am " + s.name, s.err
}

// guarded is a server that orders may call, by tokens alone: without certificates.
func guarded(t *testing.T, opts ServerOptions, h handler) string {
	t.Helper()
	opts.Tokens = passes{}
	opts.Callers = Callers{"/test/Do": {"orders"}, "/test/Stream": {"orders"}}
	return server(t, opts, h)
}

func TestTokenSaysWhoCalls(t *testing.T) {
	seen := make(chan context.Context, 1)
	addr := guarded(t, ServerOptions{}, func(ctx context.Context, _ *dynamicpb.Message) error {
		seen <- ctx
		return nil
	})
	audience := make(chan string, 1)
	conn := dial(t, addr, DialOptions{Tokens: says{name: "orders", audience: audience}, Service: "pricing"})
	for way, call := range ways {
		// What the code that calls put there is replaced.
		if err := call(metadata.AppendToOutgoingContext(t.Context(), authorizationKey, "Bearer I am gateway"), conn, valid()); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if got := <-audience; got != "pricing" {
			t.Errorf("%s: the token is for %q", way, got)
		}
		ctx := <-seen
		if Caller(ctx) != "orders" || event.CauseOf(ctx).ID != "orders" || event.CauseOf(ctx).Type != event.ServiceAccount {
			t.Errorf("%s: %q calls, %+v is the cause", way, Caller(ctx), event.CauseOf(ctx))
		}
		if md, _ := metadata.FromIncomingContext(ctx); md.Get(authorizationKey) != nil {
			t.Errorf("%s: the handler sees the token", way)
		}
	}
}

func TestTokenIsRequired(t *testing.T) {
	var log logs
	reg := prometheus.NewRegistry()
	addr := guarded(t, ServerOptions{Registry: reg, Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(context.Context, *dynamicpb.Message) error {
		t.Error("handled")
		return nil
	})
	conn := dial(t, addr, DialOptions{})
	for name, c := range map[string]struct {
		headers []string
		code    codes.Code
	}{
		"none":                   {nil, codes.Unauthenticated},
		"of nobody":              {[]string{"Bearer hunter2"}, codes.Unauthenticated},
		"another scheme":         {[]string{"Basic I am orders"}, codes.Unauthenticated},
		"two, one smuggled in":   {[]string{"Bearer I am orders", "Bearer I am orders"}, codes.Unauthenticated},
		"of one who may not":     {[]string{"Bearer I am gateway"}, codes.PermissionDenied},
		"of one with no edge":    {[]string{"Bearer I am payments"}, codes.PermissionDenied},
		"of one of another name": {[]string{"Bearer I am orders2"}, codes.PermissionDenied},
	} {
		for way, call := range ways {
			ctx := t.Context()
			for _, h := range c.headers {
				ctx = metadata.AppendToOutgoingContext(ctx, authorizationKey, h)
			}
			// A stream may learn that it has ended before it learns why.
			if err := call(ctx, conn, valid()); status.Code(err) != c.code && !errors.Is(err, io.EOF) {
				t.Errorf("%s, %s: %v, want %v", name, way, err, c.code)
			}
		}
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log holds a token: %s", log.String())
	}
	if n, err := testutil.GatherAndCount(reg, "rpc_denied_total"); n != 2 || err != nil {
		t.Errorf("%d methods count who was denied, %v", n, err)
	}
	// gRPC makes a client's health checks past the interceptors: no token can come with them. The server of this test has no such service.
	_, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if code := status.Code(err); code == codes.Unauthenticated || code == codes.PermissionDenied {
		t.Errorf("a health check: %v", err)
	}
}

// A service whose token is refused has a fault of its own: its caller, and the end user behind that one, are not to prove who they are again.
func TestRefusedTokenIsNoFaultOfTheEndUser(t *testing.T) {
	addr := guarded(t, ServerOptions{}, func(context.Context, *dynamicpb.Message) error {
		return status.Error(codes.Unauthenticated, "the user has to log in")
	})
	garbled := says{audience: make(chan string, 10), garbled: true}
	if err := do(t.Context(), dial(t, addr, DialOptions{Tokens: garbled, Service: "pricing"}), valid()); status.Code(err) != codes.Unavailable ||
		!strings.Contains(err.Error(), "pricing refuses the token of this service: who are you?") {
		t.Errorf("its own token is refused: %v, want UNAVAILABLE and why", err)
	}
	good := says{name: "orders", audience: make(chan string, 10)}
	if err := do(t.Context(), dial(t, addr, DialOptions{Tokens: good, Service: "pricing"}), valid()); status.Code(err) != codes.Unauthenticated {
		t.Errorf("what a handler says of the user: %v, want it as it is", err)
	}
}

func TestNoTokenNoCall(t *testing.T) {
	addr := guarded(t, ServerOptions{}, func(context.Context, *dynamicpb.Message) error { t.Error("called"); return nil })
	source := says{name: "orders", audience: make(chan string, 10), err: errors.New("the issuer is down")}
	conn := dial(t, addr, DialOptions{Tokens: source, Service: "pricing"})
	for way, call := range ways {
		if err := call(t.Context(), conn, valid()); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "the issuer is down") {
			t.Errorf("%s: %v, want UNAVAILABLE and why", way, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := call(ctx, conn, valid()); status.Code(err) != codes.Canceled {
			t.Errorf("%s: canceled meanwhile: %v", way, err)
		}
	}
}
