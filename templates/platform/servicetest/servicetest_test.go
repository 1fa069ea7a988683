package servicetest_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/servicetest"
)

// grow answers a branch with its leaf, as a generated server would.
//
//nolint:revive // grpc.MethodHandler has this order
func grow(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	req := &testpb.Branch{}
	if err := decode(req); err != nil {
		return nil, err
	}
	return intercept(ctx, req, &grpc.UnaryServerInfo{FullMethod: "/garden/Grow"}, func(_ context.Context, req any) (any, error) {
		switch name := req.(*testpb.Branch).GetName(); name {
		case "panic":
			panic("rotten")
		case "fail":
			return nil, errors.New("password of the database")
		default:
			return &testpb.Leaf{Colour: name}, nil
		}
	})
}

func TestServe(t *testing.T) {
	conn := servicetest.Serve(t, func(s *grpc.Server) {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: "garden", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Grow", Handler: grow}},
		}, struct{}{})
	})
	for name, want := range map[string]codes.Code{
		"green": codes.OK,
		"":      codes.InvalidArgument, // by the contract
		"panic": codes.Internal,
		"fail":  codes.Internal,
	} {
		leaf := &testpb.Leaf{}
		err := conn.Invoke(t.Context(), "/garden/Grow", &testpb.Branch{Name: name}, leaf)
		if status.Code(err) != want || err == nil && leaf.GetColour() != name {
			t.Errorf("%q: got %v %v, want %v", name, leaf, err, want)
		}
		if s := status.Convert(err).Message(); want == codes.Internal && (s == "password of the database" || s == "rotten") {
			t.Errorf("%q: the caller is told %q", name, s)
		}
	}
}

func TestServeEndsWithTheTest(t *testing.T) {
	var conn *grpc.ClientConn
	t.Run("inner", func(t *testing.T) { conn = servicetest.Serve(t, func(*grpc.Server) {}) })
	if err := conn.Invoke(t.Context(), "/garden/Grow", &testpb.Branch{}, &testpb.Leaf{}); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want Canceled: the connection is closed", err)
	}
}
