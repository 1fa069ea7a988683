package rpc

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/signing"
)

// signer signs for a service, with a key of the bytes c.
func signer(t *testing.T, self, c string, registry prometheus.Registerer) *signing.Requests {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("k1 "+base64.StdEncoding.EncodeToString([]byte(strings.Repeat(c, 32)))), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := signing.Open(signing.Config{KeysFile: file}, signing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := signing.NewRequests(keys, self, signing.Options{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signed are the signature's headers of a request and its bytes, taken from a real one.
func signed(t *testing.T, target string, s *signing.Requests) (metadata.MD, []byte) {
	t.Helper()
	var md metadata.MD
	var sent []byte
	dialOptions := append(s.DialOptions("pricing"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			md, _ = metadata.FromOutgoingContext(ctx)
			sent = bytes.Clone(reflect.ValueOf(req).Bytes())
			return invoke(ctx, method, req, reply, conn, opts...)
		}))
	conn, err := grpc.NewClient(target, dialOptions...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := invoke(t, conn); err != nil {
		t.Fatal(err)
	}
	return md, sent
}

// verbatim sends bytes as they are: messages of the same fields may be encoded in different orders.
type verbatim struct{}

func (verbatim) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (verbatim) Unmarshal([]byte, any) error   { return nil }
func (verbatim) Name() string                  { return "proto" }

func TestSignedRequests(t *testing.T) {
	registry := prometheus.NewRegistry()
	var calls int
	target := server(t, ServerOptions{Signing: signer(t, "pricing", "a", registry)}, func(context.Context, *dynamicpb.Message) error { calls++; return nil })
	connect := func(key, service string) *grpc.ClientConn {
		return dial(t, target, DialOptions{Signing: signer(t, "orders", key, nil), Service: service})
	}
	good := connect("a", "pricing")
	if err := invoke(t, good); err != nil {
		t.Errorf("a signed request: %v", err)
	}
	if err := client(t, good); err != nil {
		t.Errorf("a stream with a signed opening: %v", err)
	}
	// A field that the server does not know is lost when its message is encoded again: the digest is of the bytes that came.
	newer := valid()
	newer.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7))
	if err := good.Invoke(t.Context(), "/test/Do", newer, &emptypb.Empty{}); err != nil {
		t.Errorf("a request by a newer contract: %v", err)
	}
	reached := calls

	replay, sent := signed(t, target, signer(t, "orders", "a", nil))
	plain := dial(t, target, DialOptions{})
	replayed := func(md metadata.MD, req []byte) error {
		return plain.Invoke(metadata.NewOutgoingContext(t.Context(), md), "/test/Do", req, &emptypb.Empty{}, grpc.ForceCodec(verbatim{}))
	}
	altered := append(bytes.Clone(sent), protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7)...)
	for name, c := range map[string]struct {
		err    error
		reason string
	}{
		"unsigned":             {invoke(t, plain), signing.Unsigned},
		"an unsigned stream":   {client(t, plain), signing.Unsigned},
		"forged":               {invoke(t, connect("x", "pricing")), signing.BadSign},
		"for another service":  {invoke(t, connect("a", "payments")), signing.BadSign},
		"replayed":             {replayed(replay, sent), signing.Replayed},
		"with another message": {replayed(replay, altered), signing.BadSign},
	} {
		if status.Code(c.err) != codes.Unauthenticated {
			t.Errorf("%s: %v, want Unauthenticated", name, c.err)
		}
	}
	if calls != reached+1 { // by the one whose headers were taken
		t.Errorf("the handler was reached %d times, want %d", calls, reached+1)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rpc_signature_refused_total Requests refused because of their signature.
# TYPE rpc_signature_refused_total counter
rpc_signature_refused_total{reason="bad_signature"} 3
rpc_signature_refused_total{reason="late"} 0
rpc_signature_refused_total{reason="replayed"} 1
rpc_signature_refused_total{reason="unknown_key"} 0
rpc_signature_refused_total{reason="unsigned"} 2
`), "rpc_signature_refused_total"); err != nil {
		t.Error(err)
	}
	if _, err := healthpb.NewHealthClient(plain).Check(t.Context(), &healthpb.HealthCheckRequest{}); status.Code(err) == codes.Unauthenticated {
		t.Errorf("a probe: %v", err)
	}
}

// client opens the stream test/Stream and sends one message.
func client(t *testing.T, conn *grpc.ClientConn) error {
	t.Helper()
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/test/Stream")
	if err != nil {
		return err
	}
	// io.EOF: the server has ended the stream already, and RecvMsg tells why.
	if err := stream.SendMsg(valid()); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(&emptypb.Empty{})
}
