package resilience

import (
	"context"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/servicetest"
)

func TestLastGoodAnswersWhenTheServiceCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), false)
		last := NewLastGood[*text](10)
		s := &service{answers: []error{nil, code(codes.Unavailable)}}
		ask := func(q string) (*text, error) {
			return Call(t.Context(), e, wrapperspb.String(q), WithLastGood(last, s.call), last.Fallback)
		}
		first, err := ask("a")
		if err != nil {
			t.Fatal(err)
		}
		first.Value = "changed by the caller"
		for range 2 {
			again, err := ask("a")
			if err != nil || again.GetValue() != "re: a" {
				t.Errorf("got %q, %v", again.GetValue(), err)
			}
			again.Value = "changed by the caller"
		}
		if res, err := ask("b"); status.Code(err) != codes.Unavailable || res != nil {
			t.Errorf("never asked before: %v, %v", res, err)
		}
	})
}

func TestLastGoodIsBounded(t *testing.T) {
	last := NewLastGood[*text](2)
	for _, q := range []string{"a", "b", "c"} {
		last.Store(t.Context(), wrapperspb.String(q), wrapperspb.String("re: "+q))
	}
	if _, err := last.Fallback(t.Context(), wrapperspb.String("a"), context.Canceled); err != context.Canceled { //nolint:errorlint // it is that very value
		t.Errorf("the oldest is still there: %v", err)
	}
	if res, err := last.Fallback(t.Context(), wrapperspb.String("c"), context.Canceled); err != nil || res.GetValue() != "re: c" {
		t.Errorf("the newest: %v, %v", res, err)
	}
}

func TestLastGoodIsKeptApartForEachUser(t *testing.T) {
	last := NewLastGood[*text](10)
	// A service that answers each caller with what it remembers for it, and remembers the caller's name the first time.
	conn := servicetest.Serve(t, func(s *grpc.Server) {
		s.RegisterService(&grpc.ServiceDesc{ServiceName: "test", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
			MethodName: "Remember",
			Handler: func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
				req := &text{}
				if err := decode(req); err != nil {
					return nil, err
				}
				return intercept(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test/Remember"}, func(ctx context.Context, _ any) (any, error) {
					same := wrapperspb.String("my orders")
					if kept, err := last.Fallback(ctx, same, context.Canceled); err == nil {
						return kept, nil
					}
					last.Store(ctx, same, req)
					return req, nil
				})
			},
		}}}, struct{}{})
	})
	for _, c := range []struct{ subject, scopes, says, hears string }{
		{"ann", "read", "ann's", "ann's"},
		{"bob", "read", "bob's", "bob's"},
		{"ann", "read", "else", "ann's"},
		{"ann", "read all", "all", "all"},
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-subject", c.subject, "x-scopes", c.scopes)
		res := &text{}
		if err := conn.Invoke(ctx, "/test/Remember", wrapperspb.String(c.says), res); err != nil || res.GetValue() != c.hears {
			t.Errorf("%s with %s: got %q, %v; want %q", c.subject, c.scopes, res.GetValue(), err, c.hears)
		}
	}
}
