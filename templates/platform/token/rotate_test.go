package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/jwks"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// published are the ids of the keys in the issuer's document.
func (p *party) published(t testing.TB) []string {
	t.Helper()
	w := httptest.NewRecorder()
	p.issuer.ServeHTTP(w, httptest.NewRequest(http.MethodGet, KeysPath, nil))
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range set.Keys {
		if k["d"] != "" || k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["alg"] != "EdDSA" || k["use"] != "sig" {
			t.Errorf("published: %v", k)
		}
		ids = append(ids, k["kid"])
	}
	return ids
}

func signedBy(t testing.TB, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

func id(k ed25519.PrivateKey) string { return thumbprint(k.Public().(ed25519.PublicKey)) }

// RFC 8037, appendix A.3.
func TestThumbprint(t *testing.T) {
	public, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := thumbprint(public); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("got %s", got)
	}
}

func TestKeyFile(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := newKeyFile(t, ec)
	if _, err := readKey(string(f)); err == nil || !strings.Contains(err.Error(), "want an Ed25519 key") {
		t.Errorf("another kind of key: %v", err)
	}
	for what, text := range map[string]string{
		"nothing": "", "a certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no key inside": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
	} {
		f.put(t, []byte(text))
		if _, err := readKey(string(f)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	k := newKey(t)
	f.write(t, k)
	text, err := os.ReadFile(string(f))
	if err != nil {
		t.Fatal(err)
	}
	f.put(t, append(text, text...))
	if _, err := readKey(string(f)); err == nil {
		t.Error("two keys in one file: which of them signs?")
	}
	t.Setenv("TOKEN_KEY_FILE", "/nowhere/tls.key")
	if _, err := JWT(Edges{Calls: true})(service.Process{Name: "orders", Logger: quiet}); err == nil || !strings.Contains(err.Error(), "/nowhere/tls.key") {
		t.Errorf("a missing file: %v", err)
	}
	t.Setenv("TOKEN_KEY_FILE", "")
	if _, err := JWT(Edges{Calls: true})(service.Process{Name: "orders", Logger: quiet}); err == nil || !strings.Contains(err.Error(), "TOKEN_KEY_FILE is not set") {
		t.Errorf("no file: %v", err)
	}
	if auth, err := JWT(Edges{})(service.Process{Name: "orders", Logger: quiet}); err != nil || auth.Tokens != nil || auth.JWKS != nil || auth.Callers == nil {
		t.Errorf("a service that calls nobody needs no key: %+v, %v", auth, err)
	}
}

// The life of two keys, by the clock of the issuer.
func TestRotation(t *testing.T) {
	p := newParty(t, "orders")
	var log logs
	p.issuer.logger = slog.New(slog.NewTextHandler(&log, nil))
	start := time.Now()
	now := start
	p.issuer.now = func() time.Time { return now }
	first, second := p.key, newKey(t)
	step := func(when time.Duration, what string, signs ed25519.PrivateKey, publishes ...ed25519.PrivateKey) {
		t.Helper()
		now = start.Add(when)
		p.issuer.look(t.Context())
		var want []string
		for _, k := range publishes {
			want = append(want, id(k))
		}
		if got := p.published(t); !slices.Equal(got, want) {
			t.Errorf("%s: %v are published, want %v", what, got, want)
		}
		text, _, err := p.issuer.sign(t.Context(), "callee")
		if got := signedBy(t, text); err != nil || got != id(signs) {
			t.Errorf("%s: signed by %s, %v, want %s", what, got, err, id(signs))
		}
	}
	step(0, "at the start", first, first)
	step(time.Hour, "with nothing new", first, first)
	p.file.write(t, second)
	step(time.Hour, "a new key", first, first, second)
	step(time.Hour+defaultDelay-time.Second, "before all can know it", first, first, second)
	if got := signedBy(t, p.token(t, "callee")); got != id(first) {
		t.Errorf("a token is of the key %s, want %s", got, id(first))
	}
	step(time.Hour+defaultDelay, "once they can", second, first, second)
	if got := signedBy(t, p.token(t, "callee")); got != id(second) {
		t.Errorf("a token of the old key was used on: it is of %s, want %s", got, id(second))
	}
	step(time.Hour+defaultDelay+lifetime+leeway, "the last token of the old key may still come", second, first, second)
	p.file.put(t, []byte("half a"))
	step(time.Hour+defaultDelay+lifetime+2*leeway, "a file that cannot be read", second, first, second)
	p.issuer.look(t.Context())
	if n := strings.Count(log.String(), "not taken"); n != 1 {
		t.Errorf("the broken file is logged %d times: %s", n, log.String())
	}
	p.file.write(t, second)
	step(time.Hour+defaultDelay+lifetime+2*leeway+time.Second, "its last token has expired", second, second)
	third := newKey(t)
	p.file.write(t, third)
	step(2*time.Hour, "a third key", second, second, third)
	p.file.write(t, second)
	step(2*time.Hour+time.Second, "back to the second, which all know", second, third, second)
}

// Keys rotate while calls go on, and the document cannot be had in between: no call fails. The clocks run some hundred times as fast as those
// of a system do.
func TestRotationUnderLoad(t *testing.T) {
	orders := newParty(t, "orders")
	orders.issuer.delay, orders.issuer.every = 500*time.Millisecond, time.Millisecond
	keys, err := jwks.New(orders.url, jwks.Options{Logger: quiet, Refresh: 5 * time.Millisecond, Keep: lifetime, OnDemand: true})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := newVerifier("callee", []string{"EdDSA"}, func(string) *jwks.Set { return keys }, signer("callee"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &callee{auth: &service.Auth{Callers: verifier}, who: make(chan string, 1000)}
	c.serve(t, quiet)
	conn := c.dial(t, rpc.DialOptions{Tokens: fresh{orders.issuer}, Service: "callee"})

	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { _ = orders.issuer.Run(ctx) })
	all.Go(func() { keys.Run(ctx) })
	var calls, failed atomic.Int64
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil && failed.Load() == 0 {
				if err := conn.Invoke(context.WithoutCancel(ctx), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
					failed.Add(1)
					t.Error(err)
				} else if who := <-c.who; who != "orders" {
					t.Errorf("the caller is %q", who)
				}
				calls.Add(1)
			}
		})
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for !done() && failed.Load() == 0 {
			if t.Context().Err() != nil {
				t.Fatal(what)
			}
			time.Sleep(time.Millisecond)
		}
	}
	wait("the first key is not known", func() bool { return keys.Ready() == nil })
	for range 3 {
		generation, next := keys.Generation(), newKey(t)
		orders.file.write(t, next)
		wait("the new key is not known", func() bool { return keys.Generation() > generation })
		orders.setDown(true)
		wait("the new key does not sign", func() bool { return orders.issuer.signing().id == id(next) })
		before := calls.Load()
		wait("no calls", func() bool { return calls.Load() > before+50 })
		orders.setDown(false)
		served := orders.served()
		wait("the document is not fetched again", func() bool { return orders.served() > served })
	}
	if failed.Load() > 0 {
		t.Errorf("a call of %d failed", calls.Load())
	}
}

// fresh signs each call's token anew.
type fresh struct{ issuer *Issuer }

func (f fresh) Token(ctx context.Context, audience string) (string, error) {
	text, _, err := f.issuer.sign(ctx, audience)
	return text, err
}

// A replica that started after the rotation publishes the new key alone, while another still signs with the old one.
func TestReplicasRotateOneAfterAnother(t *testing.T) {
	orders := newParty(t, "orders")
	c := newCallee(t, "callee", orders)
	if _, err := c.call(t.Context(), orders.token(t, "callee")); err != nil {
		t.Fatal(err)
	}
	before := orders.issuer
	orders.file.write(t, newKey(t))
	restarted, err := newIssuer("orders", string(orders.file), 0, quiet)
	if err != nil {
		t.Fatal(err)
	}
	orders.mu.Lock()
	orders.issuer = restarted
	orders.mu.Unlock()
	for name, issuer := range map[string]*Issuer{"restarted": restarted, "not yet": before} {
		text, _, err := issuer.sign(t.Context(), "callee")
		if err != nil {
			t.Fatal(err)
		}
		if who, err := c.call(t.Context(), text); err != nil || who != "orders" {
			t.Errorf("the replica that is %s: %q, %v", name, who, err)
		}
	}
}

func TestCallersKeysCannotBeHad(t *testing.T) {
	orders := newParty(t, "orders")
	orders.setDown(true)
	c := newCallee(t, "callee", orders)
	if _, err := c.call(t.Context(), orders.token(t, "callee")); status.Code(err) != codes.Unavailable || c.refused(t, "no_keys") != 1 {
		t.Errorf("no keys: %v, want UNAVAILABLE: it is worth another try", err)
	}
	orders.setDown(false)
	for { // it asks again for them once a second
		who, err := c.call(t.Context(), orders.token(t, "callee"))
		if err == nil && who == "orders" {
			break
		}
		if status.Code(err) != codes.Unavailable {
			t.Fatalf("once they can: %q, %v", who, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	orders.setDown(true)
	for range 3 {
		text := orders.forge(t, func(map[string]any, jwt.MapClaims) {})
		if _, err := c.call(t.Context(), text); err != nil {
			t.Errorf("a known key, its document gone: %v", err)
		}
	}
}

// A token is renewed before it ends, and nobody waits for it.
func TestTokensAreRenewed(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	after := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	var n atomic.Int64
	fail := make(chan error, 100)
	c := newCache(func(_ context.Context, audience string) (string, time.Time, error) {
		select {
		case err := <-fail:
			return "", time.Time{}, err
		default:
			return audience + string(rune('0'+n.Add(1))), clock().Add(lifetime), nil
		}
	}, clock)
	get := func(audience string) string {
		t.Helper()
		text, err := c.token(t.Context(), audience)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	until := func(want string) {
		t.Helper()
		for get("a") != want {
			if t.Context().Err() != nil {
				t.Fatal("not renewed")
			}
			time.Sleep(time.Millisecond)
		}
	}
	for _, want := range []string{"a1", "a1", "b2"} {
		if got := get(want[:1]); got != want {
			t.Errorf("got %s, want %s: one token for each audience", got, want)
		}
	}
	after(lifetime*2/3 + time.Second)
	if get("a") != "a1" {
		t.Error("a call waited for the new token")
	}
	until("a3")
	after(lifetime*2/3 + time.Second)
	for range 2 {
		fail <- os.ErrDeadlineExceeded
	}
	if get("a") != "a3" {
		t.Error("a token that is still good is not used while its issuer is down")
	}
	for len(fail) > 0 {
		get("a")
		after(time.Second)
		time.Sleep(time.Millisecond)
	}
	after(2 * time.Second)
	until("a4")
	after(2 * lifetime)
	if get("a") != "a5" {
		t.Error("a token that ended was used")
	}
	fail <- os.ErrDeadlineExceeded
	if _, err := c.token(t.Context(), "c"); err == nil {
		t.Error("no token, and no error")
	}
}
