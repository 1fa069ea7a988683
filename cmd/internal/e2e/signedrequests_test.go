package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// signed is a call of pricing's method with the headers of RFC 9421, made without the code of the system.
type signed struct {
	service, path, subject, token, key string
	secret                             []byte
	at                                 time.Time
}

func (s signed) headers() metadata.MD {
	digest := sha256.Sum256(nil) // of an empty message
	md := metadata.Pairs("content-digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":", "x-subject", s.subject, "authorization", "Bearer "+s.token)
	components := []string{"@method", "@authority", "@path", "content-digest", "x-subject", "authorization"}
	params := fmt.Sprintf(`(%s);created=%d;nonce=%q;keyid=%q;alg="hmac-sha256"`, `"`+strings.Join(components, `" "`)+`"`, s.at.Unix(), rand.Text(), s.key)
	base := fmt.Sprintf("\"@method\": POST\n\"@authority\": %s\n\"@path\": %s\n\"content-digest\": %s\n\"x-subject\": %s\n\"authorization\": %s\n\"@signature-params\": %s",
		s.service, s.path, md.Get("content-digest")[0], strconv.Quote(s.subject), strconv.Quote("Bearer "+s.token), params)
	md.Set("signature-input", "sig1="+params)
	md.Set("signature", "sig1=:"+macOf(s.secret, []byte(base))+":")
	return md
}

// attackRequests calls pricing past the gateway, with the certificate and the token of orders, which may call it.
func attackRequests(t *testing.T, shop *e2e.System) {
	source, err := mtls.Open(mtls.Config{Dir: shop.CertificateDir("orders")}, "orders", mtls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := shop.Replicate(t.Context(), "pricing"); err != nil {
		t.Fatal(err)
	}
	dial := func(process string) func(md metadata.MD, message any) error {
		conn, err := grpc.NewClient(shop.Process(process).Main, grpc.WithTransportCredentials(source.ClientCredentials(mtls.Strict, "pricing")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return func(md metadata.MD, message any) error {
			ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), md), 20*time.Second)
			defer cancel()
			return conn.Invoke(ctx, quote, message, &emptypb.Empty{})
		}
	}
	send, sendOther := dial("pricing"), dial("pricing-2")
	good := signed{
		service: "pricing", path: quote, subject: "customer-1", key: "k1", secret: signingKey(t, shop, "k1"), at: time.Now(),
		token: signAs(t, shop, "orders", "pricing", func(jwt.MapClaims) {}),
	}
	seen := good.headers()
	if err := send(seen, &emptypb.Empty{}); err != nil {
		t.Fatalf("a request that is signed as documented: %v", err)
	}

	change := func(by func(*signed)) metadata.MD {
		s := good
		by(&s)
		return s.headers()
	}
	with := func(key, value string) metadata.MD {
		md := good.headers()
		md.Set(key, value)
		return md
	}
	without := func(key string) metadata.MD {
		md := good.headers()
		md.Delete(key)
		return md
	}
	for _, attack := range []struct {
		name, reason string
		headers      metadata.MD
		message      any
	}{
		{"replayed", "replayed", seen, nil},
		{"replayed with another body", "bad_signature", seen, wrapperspb.String("x")},
		{"unsigned", "unsigned", without("signature"), nil},
		{"of an unknown key", "unknown_key", change(func(s *signed) { s.key = "k8" }), nil},
		{"forged", "bad_signature", change(func(s *signed) { s.secret = make([]byte, 32) }), nil},
		{"with another body", "bad_signature", good.headers(), wrapperspb.String("x")},
		{"on behalf of another", "bad_signature", with("x-subject", "root"), nil},
		{"on behalf of somebody who was signed out", "bad_signature", without("x-subject"), nil},
		{"with scopes added", "bad_signature", with("x-scopes", "admin"), nil},
		{"with another's token", "bad_signature", with("authorization", "Bearer x"), nil},
		{"for another method", "bad_signature", change(func(s *signed) { s.path = void }), nil},
		{"for another service", "bad_signature", change(func(s *signed) { s.service = "payments" }), nil},
		{"kept back", "late", change(func(s *signed) { s.at = time.Now().Add(-10 * time.Minute) }), nil},
		{"signed for later", "late", change(func(s *signed) { s.at = time.Now().Add(10 * time.Minute) }), nil},
	} {
		if attack.message == nil {
			attack.message = &emptypb.Empty{}
		}
		series := `rpc_signature_refused_total{reason="` + attack.reason + `"}`
		before := counted(t, shop, "pricing", series)
		if err := send(attack.headers, attack.message); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v, want UNAUTHENTICATED", attack.name, err)
		}
		if n := counted(t, shop, "pricing", series) - before; n != 1 {
			t.Errorf("%s: counted %d times as %s", attack.name, n, attack.reason)
		}
	}

	if err := sendOther(seen, &emptypb.Empty{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("replayed to another replica: %v, want UNAUTHENTICATED", err)
	}
	if n := counted(t, shop, "pricing-2", `rpc_signature_refused_total{reason="replayed"}`); n != 1 {
		t.Errorf("the other replica counts %d replays, want 1", n)
	}
	if err := sendOther(good.headers(), &emptypb.Empty{}); err != nil {
		t.Errorf("a new request to the other replica: %v", err)
	}
}
