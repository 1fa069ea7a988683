package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logs is a log that a test reads while others may write.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// handler answers the methods test/Do and, as a client stream, test/Stream.
type handler func(ctx context.Context, req *dynamicpb.Message) error

// server serves h and returns its address.
func server(t *testing.T, opts ServerOptions, h handler) string {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	desc := requestType()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Do", Handler: func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			req := dynamicpb.NewMessage(desc)
			if err := decode(req); err != nil {
				return nil, err
			}
			return intercept(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test/Do"},
				func(ctx context.Context, _ any) (any, error) { return &emptypb.Empty{}, h(ctx, req) })
		}}},
		Streams: []grpc.StreamDesc{{StreamName: "Stream", ClientStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
			req := dynamicpb.NewMessage(desc)
			if err := stream.RecvMsg(req); err != nil {
				return err
			}
			if err := h(stream.Context(), req); err != nil {
				return err
			}
			return stream.SendMsg(&emptypb.Empty{})
		}}},
	}, struct{}{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func dial(t *testing.T, target string, opts DialOptions) *grpc.ClientConn {
	t.Helper()
	conn, err := Dial(target, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// requestType is a contract's message: an id that is a UUID, and a quantity from 1 to 9.
var requestType = sync.OnceValue(func() protoreflect.MessageDescriptor {
	options := func(rules *validate.FieldRules) *descriptorpb.FieldOptions {
		o := &descriptorpb.FieldOptions{}
		proto.SetExtension(o, validate.E_Field, rules)
		return o
	}
	field := func(name string, number int32, typ descriptorpb.FieldDescriptorProto_Type, o *descriptorpb.FieldOptions) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &typ, Options: o,
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("do.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("DoRequest"), Field: []*descriptorpb.FieldDescriptorProto{
			field("id", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING, options(&validate.FieldRules{
				Type: &validate.FieldRules_String_{String_: &validate.StringRules{WellKnown: &validate.StringRules_Uuid{Uuid: true}}}})),
			field("quantity", 2, descriptorpb.FieldDescriptorProto_TYPE_INT32, options(&validate.FieldRules{
				Type: &validate.FieldRules_Int32{Int32: &validate.Int32Rules{
					GreaterThan: &validate.Int32Rules_Gte{Gte: 1}, LessThan: &validate.Int32Rules_Lte{Lte: 9}}}})),
		}}},
	}, nil)
	if err != nil {
		panic(err)
	}
	return file.Messages().ByName("DoRequest")
})

func request(id string, quantity int32) *dynamicpb.Message {
	m := dynamicpb.NewMessage(requestType())
	m.Set(m.Descriptor().Fields().ByName("id"), protoreflect.ValueOfString(id))
	m.Set(m.Descriptor().Fields().ByName("quantity"), protoreflect.ValueOfInt32(quantity))
	return m
}

func valid() *dynamicpb.Message { return request("0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b", 1) }

func do(ctx context.Context, conn *grpc.ClientConn, req proto.Message) error {
	return conn.Invoke(ctx, "/test/Do", req, &emptypb.Empty{})
}

func stream(ctx context.Context, conn *grpc.ClientConn, req proto.Message) error {
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "Stream", ClientStreams: true}, "/test/Stream")
	if err != nil {
		return err
	}
	if err := s.SendMsg(req); err != nil {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	return s.RecvMsg(&emptypb.Empty{})
}

// ways are unary and stream, which must behave alike.
var ways = map[string]func(context.Context, *grpc.ClientConn, proto.Message) error{"unary": do, "stream": stream}

func TestValidationNamesEveryField(t *testing.T) {
	conn := dial(t, server(t, ServerOptions{}, func(context.Context, *dynamicpb.Message) error { return nil }), DialOptions{})
	for name, call := range ways {
		t.Run(name, func(t *testing.T) {
			if err := call(t.Context(), conn, valid()); err != nil {
				t.Errorf("a valid request: %v", err)
			}
			s := status.Convert(call(t.Context(), conn, request("7", 10)))
			if s.Code() != codes.InvalidArgument || len(s.Details()) != 1 {
				t.Fatalf("got %v", s)
			}
			bad, _ := s.Details()[0].(*errdetails.BadRequest)
			var fields []string
			for _, v := range bad.GetFieldViolations() {
				fields = append(fields, v.GetField())
				if v.GetDescription() == "" || !strings.Contains(s.Message(), v.GetField()+": "+v.GetDescription()) {
					t.Errorf("%v is not in the message %q", v, s.Message())
				}
			}
			if strings.Join(fields, " ") != "id quantity" {
				t.Errorf("fields %v", fields)
			}
		})
	}
}

func TestErrorsTellOnlyWhatIsMeantForCallers(t *testing.T) {
	detailed, err := status.New(codes.NotFound, "no such order").WithDetails(&errdetails.ResourceInfo{ResourceName: "o-1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err     error
		code    codes.Code
		message string
		details int
	}{
		"status":         {detailed.Err(), codes.NotFound, "no such order", 1},
		"wrapped status": {fmt.Errorf("SELECT secret: %w", detailed.Err()), codes.NotFound, "no such order", 1},
		"no status":      {errors.New("password is hunter2"), codes.Internal, "internal error", 0},
		"canceled":       {fmt.Errorf("hunter2: %w", context.Canceled), codes.Canceled, "the call was canceled", 0},
		"deadline":       {fmt.Errorf("hunter2: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "the call took too long", 0},
	} {
		for way, call := range ways {
			t.Run(name+" "+way, func(t *testing.T) {
				var log logs
				conn := dial(t, server(t, ServerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))},
					func(context.Context, *dynamicpb.Message) error { return c.err }), DialOptions{})
				s := status.Convert(call(t.Context(), conn, valid()))
				if s.Code() != c.code || s.Message() != c.message || len(s.Details()) != c.details {
					t.Errorf("got %v", s)
				}
				if !strings.Contains(log.String(), fmt.Sprintf("error=%q", c.err)) {
					t.Errorf("%v is not in the log: %s", c.err, log.String())
				}
			})
		}
	}
	if Status(nil) != nil {
		t.Error("no error became one")
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			var log logs
			reg := prometheus.NewRegistry()
			conn := dial(t, server(t, ServerOptions{Registry: reg, Logger: slog.New(slog.NewTextHandler(&log, nil))},
				func(context.Context, *dynamicpb.Message) error { panic("hunter2") }), DialOptions{})
			for range 2 { // the server lives on
				if s := status.Convert(call(t.Context(), conn, valid())); s.Code() != codes.Internal || s.Message() != "internal error" {
					t.Errorf("got %v", s)
				}
			}
			for _, want := range []string{"level=ERROR", "panic=hunter2", "rpc_test.go"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in the log: %.600s", want, log.String())
				}
			}
			if n, err := testutil.GatherAndCount(reg, "grpc_server_handled_total"); n != 1 || err != nil {
				t.Errorf("%d series, %v", n, err)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	var log logs
	conn := dial(t, server(t, ServerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		func(context.Context, *dynamicpb.Message) error { return nil }), DialOptions{})
	ctx := metadata.AppendToOutgoingContext(t.Context(), requestIDKey, "r-1", subjectKey, "ann")
	if err := do(ctx, conn, valid()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"level=INFO", "msg=call", "method=/test/Do", "code=OK", "duration=", "request_id=r-1", "subject=ann", "peer=127.0.0.1:"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log: %s", want, log.String())
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines: %s", n, log.String())
	}
}

func TestDeadline(t *testing.T) {
	left := make(chan time.Duration, 1)
	h := func(ctx context.Context, _ *dynamicpb.Message) error {
		deadline, bounded := ctx.Deadline()
		if !bounded {
			return errors.New("no deadline")
		}
		left <- time.Until(deadline)
		return nil
	}
	conn := dial(t, server(t, ServerOptions{Timeout: time.Minute}, h), DialOptions{})
	for name, c := range map[string]struct {
		caller, most time.Duration
	}{"none": {0, time.Minute}, "longer": {time.Hour, time.Minute}, "shorter": {30 * time.Second, 30 * time.Second}} {
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if c.caller > 0 {
			ctx, cancel = context.WithTimeout(ctx, c.caller)
		}
		if err := do(ctx, conn, valid()); err != nil {
			t.Fatal(err)
		}
		if got := <-left; got > c.most {
			t.Errorf("%s: %v left", name, got)
		}
		cancel()
	}
	conn = dial(t, server(t, ServerOptions{Timeout: time.Nanosecond}, func(ctx context.Context, _ *dynamicpb.Message) error {
		<-ctx.Done()
		return ctx.Err()
	}), DialOptions{})
	if err := do(t.Context(), conn, valid()); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("past the server's own limit: %v", err)
	}
}

func TestMessageTooLarge(t *testing.T) {
	conn := dial(t, server(t, ServerOptions{MaxRecvBytes: 16}, func(context.Context, *dynamicpb.Message) error { return nil }), DialOptions{})
	if err := do(t.Context(), conn, valid()); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
}

func TestIdentityTravels(t *testing.T) {
	seen := make(chan identity, 1)
	pricing := dial(t, server(t, ServerOptions{}, func(ctx context.Context, _ *dynamicpb.Message) error {
		seen <- identityOf(ctx)
		return nil
	}), DialOptions{})
	for way, call := range ways {
		orders := dial(t, server(t, ServerOptions{}, func(ctx context.Context, _ *dynamicpb.Message) error {
			return call(ctx, pricing, valid())
		}), DialOptions{})
		ctx := metadata.AppendToOutgoingContext(t.Context(), requestIDKey, "r-1", subjectKey, "ann", scopesKey, "orders.read orders.write")
		if err := call(ctx, orders, valid()); err != nil {
			t.Fatal(err)
		}
		got := <-seen
		if want := (identity{"r-1", "ann", "orders.read orders.write"}); got != want {
			t.Errorf("%s: two services on: %+v", way, got)
		}
		if scopes := Scopes(context.WithValue(t.Context(), identityKey{}, got)); !reflect.DeepEqual(scopes, []string{"orders.read", "orders.write"}) {
			t.Errorf("%s: scopes %q", way, scopes)
		}

		// Nobody is authenticated, and no request id: one is made, and is the same all the way.
		if err := call(t.Context(), orders, valid()); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; len(got.requestID) != 36 || got.subject != "" || got.scopes != "" {
			t.Errorf("%s: nobody: %+v", way, got)
		}

		// Two subjects: neither can be trusted.
		ctx = metadata.AppendToOutgoingContext(t.Context(), subjectKey, "ann", subjectKey, "root")
		if err := call(ctx, orders, valid()); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got.subject != "" {
			t.Errorf("%s: subject %q out of two", way, got.subject)
		}
	}
	if RequestID(t.Context())+Subject(t.Context()) != "" || len(Scopes(t.Context())) != 0 {
		t.Error("an identity outside of a request")
	}
}

func TestForwardKeepsWhatTheCallerSet(t *testing.T) {
	ctx := context.WithValue(t.Context(), identityKey{}, identity{requestID: "r-1", subject: "ann"})
	ctx = forward(metadata.AppendToOutgoingContext(ctx, subjectKey, "system"))
	md, _ := metadata.FromOutgoingContext(ctx)
	if got := md.Get(subjectKey); !reflect.DeepEqual(got, []string{"system"}) {
		t.Errorf("subject %q", got)
	}
	if got := md.Get(requestIDKey); !reflect.DeepEqual(got, []string{"r-1"}) {
		t.Errorf("request id %q", got)
	}
	if got := md.Get(scopesKey); got != nil {
		t.Errorf("scopes %q", got)
	}
}

func TestMetricsAreSharedByConnections(t *testing.T) {
	reg := prometheus.NewRegistry()
	addr := server(t, ServerOptions{}, func(context.Context, *dynamicpb.Message) error { return nil })
	for range 2 {
		if err := do(t.Context(), dial(t, addr, DialOptions{Registry: reg}), valid()); err != nil {
			t.Fatal(err)
		}
	}
	want := "# HELP grpc_client_handled_total Total number of RPCs completed by the client, regardless of success or failure.\n" +
		"# TYPE grpc_client_handled_total counter\n" +
		"grpc_client_handled_total{grpc_code=\"OK\",grpc_method=\"Do\",grpc_service=\"test\",grpc_type=\"unary\"} 2\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "grpc_client_handled_total"); err != nil {
		t.Error(err)
	}
	taken := prometheus.NewRegistry()
	taken.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "grpc_client_handled_total", Help: "other"}))
	if _, err := Dial(addr, DialOptions{Registry: taken}); err == nil {
		t.Error("names that are taken by other metrics went unnoticed")
	}
}

func TestDialRefusesATargetItCannotParse(t *testing.T) {
	if _, err := Dial("dns:///%zz", DialOptions{}); err == nil || !strings.HasPrefix(err.Error(), "dial dns:///%zz") {
		t.Errorf("got %v", err)
	}
}

func TestServerNeedsALogger(t *testing.T) {
	if _, err := NewServer(ServerOptions{}); err == nil {
		t.Error("no error")
	}
}

func TestTarget(t *testing.T) {
	t.Setenv("ORDER_HISTORY_TARGET", "127.0.0.1:9001")
	if got := Target("order-history", "dns:///order-history:9000"); got != "127.0.0.1:9001" {
		t.Errorf("got %s", got)
	}
	if got := Target("orders", "dns:///orders:9000"); got != "dns:///orders:9000" {
		t.Errorf("got %s", got)
	}
}
