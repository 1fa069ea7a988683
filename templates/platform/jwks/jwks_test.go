package jwks

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issuer serves the keys of the given ids.
type issuer struct {
	mu      sync.Mutex
	ids     []string
	fetches int
	status  int
}

func (i *issuer) set(status int, ids ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.ids = status, ids
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	w.WriteHeader(i.status)
	keys := []any{map[string]string{"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}}
	for _, id := range i.ids {
		public, _, _ := ed25519.GenerateKey(rand.Reader)
		keys = append(keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public), "kid": id, "use": "sig"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

func newSet(t *testing.T, opts Options) (*issuer, *Set) {
	t.Helper()
	i := &issuer{status: http.StatusOK}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	opts.Logger = slog.New(slog.DiscardHandler)
	opts.Client = server.Client()
	s, err := New(server.URL, opts)
	if err != nil {
		t.Fatal(err)
	}
	return i, s
}

func find(t *testing.T, s *Set, id string) error {
	t.Helper()
	_, err := s.Keyfunc(t.Context())(&jwt.Token{Header: map[string]any{"kid": id, "alg": "EdDSA"}, Method: jwt.SigningMethodEdDSA})
	return err
}

func TestKeysOnDemand(t *testing.T) {
	i, patient := newSet(t, Options{})
	i.set(http.StatusOK, "a")
	if err := find(t, patient, "a"); !errors.Is(err, ErrNoKeys) || i.fetches != 0 {
		t.Errorf("keys that nobody fetched: %v after %d fetches", err, i.fetches)
	}
	i, s := newSet(t, Options{OnDemand: true})
	i.set(http.StatusBadGateway, "a")
	for range 5 {
		if err := find(t, s, "a"); !errors.Is(err, ErrNoKeys) {
			t.Errorf("an issuer that is down: %v", err)
		}
	}
	if i.fetches != 1 {
		t.Errorf("%d fetches in a moment", i.fetches)
	}
	i.set(http.StatusOK, "a")
	s.first.SetLimit(rate.Inf)
	if err := find(t, s, "a"); err != nil {
		t.Error(err)
	}
	if err := find(t, s, "secret"); err == nil {
		t.Error("a symmetric key was taken")
	}
}

// What an issuer withdraws is gone at once, or after a while where its replicas change one after another.
func TestKeep(t *testing.T) {
	for name, c := range map[string]struct {
		keep  time.Duration
		after time.Duration
		known bool
	}{"not kept": {0, 0, false}, "kept": {time.Minute, 59 * time.Second, true}, "no longer": {time.Minute, time.Minute, false}} {
		t.Run(name, func(t *testing.T) {
			i, s := newSet(t, Options{Keep: c.keep})
			s.Unknown.SetLimit(0)
			s.Unknown.SetBurst(0)
			i.set(http.StatusOK, "a", "b")
			if err := s.load(t.Context()); err != nil {
				t.Fatal(err)
			}
			generation := s.Generation()
			i.set(http.StatusOK, "b")
			for id, k := range s.keys {
				k.seen = k.seen.Add(-c.after)
				s.keys[id] = k
			}
			if err := s.load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := find(t, s, "a"); (err == nil) != c.known {
				t.Errorf("a key that the issuer no longer names: %v", err)
			}
			if err := find(t, s, "b"); err != nil {
				t.Error(err)
			}
			if s.Generation() == generation {
				t.Error("tokens verified before are not verified again")
			}
		})
	}
}

func TestUnusableDocuments(t *testing.T) {
	for _, address := range []string{"", "id.example.com/jwks", "file:///etc/passwd", "http://"} {
		if _, err := New(address, Options{Logger: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("%q was taken for an address", address)
		}
	}
	i, s := newSet(t, Options{})
	i.set(http.StatusOK, "a")
	if err := s.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.set(http.StatusOK) // no usable key
	if err := s.load(t.Context()); err == nil {
		t.Error("a document without keys")
	}
	if err := find(t, s, "a"); err != nil {
		t.Errorf("it took the known keys away: %v", err)
	}
}
