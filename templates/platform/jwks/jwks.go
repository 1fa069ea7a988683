// Package jwks keeps the public keys of an issuer of tokens at hand: fetched from its JSON Web Key Set (RFC 7517), kept fresh, and fetched
// again for a key id that is not known, at most every few seconds however many tokens ask for one. An issuer that is down does no harm to
// the keys that are known.
package jwks

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	defaultRefresh = 5 * time.Minute
	// RetryFirst is the pause after a failed fetch, doubled from one to the next.
	RetryFirst = time.Second
	retryMax   = 30 * time.Second
	refetch    = 10 * time.Second // at most one fetch for unknown key ids in this time
	demand     = time.Second      // and one of the first keys on demand
	timeout    = 5 * time.Second  // of one fetch
	maxBytes   = 1 << 20
)

// ErrNoKeys says that no token can be verified yet: the issuer has not been reached since the start.
var ErrNoKeys = errors.New("no signing keys of the token issuer yet")

// Options say how a Set is kept. Logger is required.
type Options struct {
	Logger *slog.Logger
	// Refresh is the time between two fetches, 5 minutes: a key that the issuer withdraws is trusted for so long.
	Refresh time.Duration
	// Keep is how much longer than that: 0, or the life of a token where the replicas of an issuer change their key one after another, so
	// that one may publish the new key alone while another still signs with the old one.
	Keep time.Duration
	// OnDemand lets the first token fetch the keys, rather than be refused until Run has.
	OnDemand bool
	// Client fetches; nil: one with a timeout.
	Client *http.Client
}

// Set holds an issuer's public keys.
type Set struct {
	// Unknown limits the fetches for key ids that are not known.
	Unknown *rate.Limiter

	locate     func(ctx context.Context) (string, error)
	opts       Options
	storage    *jwkset.MemoryJWKSet
	keyfunc    keyfunc.Keyfunc
	generation atomic.Uint64 // counts changes of the keys; 0: none yet
	flight     singleflight.Group
	first      *rate.Limiter // fetches on demand, while there are no keys
	// Guarded by flight: the document in use, and the keys with when it last named them.
	last [sha256.Size]byte
	keys map[string]known
}

type known struct {
	key  jwkset.JWK
	seen time.Time
}

// New returns a Set of the document at address, an http(s) URL.
func New(address string, opts Options) (*Set, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("jwks %q: must be an http(s) url", address)
	}
	if u.Scheme == "http" {
		opts.Logger.Warn("signing keys are fetched without tls: use it on a trusted network only", slog.String("url", address))
	}
	return Find(func(context.Context) (string, error) { return address, nil }, opts)
}

// Find returns a Set of the document whose address locate finds, as by OpenID Connect Discovery.
func Find(locate func(ctx context.Context) (string, error), opts Options) (*Set, error) {
	if opts.Refresh <= 0 {
		opts.Refresh = defaultRefresh
	}
	if opts.Client == nil {
		opts.Client = &http.Client{Timeout: timeout}
	}
	s := &Set{
		Unknown: rate.NewLimiter(rate.Every(refetch), 1),
		first:   rate.NewLimiter(rate.Every(demand), 1),
		locate:  locate, opts: opts, storage: jwkset.NewMemoryStorage(), keys: map[string]known{},
	}
	var err error
	s.keyfunc, err = keyfunc.New(keyfunc.Options{Storage: s.storage})
	return s, err
}

// Ready returns ErrNoKeys until the keys have been fetched once.
func (s *Set) Ready() error {
	if s.generation.Load() == 0 {
		return ErrNoKeys
	}
	return nil
}

// Generation counts the changes of the keys: what was verified with the keys of an earlier one may no longer be good.
func (s *Set) Generation() uint64 { return s.generation.Load() }

// Run keeps the keys fresh until ctx ends.
func (s *Set) Run(ctx context.Context) {
	retry := RetryFirst
	for {
		wait := s.opts.Refresh
		if err := s.load(ctx); err != nil && ctx.Err() == nil {
			s.opts.Logger.WarnContext(ctx, "signing keys not fetched", slog.String("error", err.Error()), slog.Duration("retry", retry))
			wait, retry = retry, min(2*retry, retryMax)
		} else {
			retry = RetryFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Keyfunc finds the key that a token is signed with. A key id not known may be a new one: the keys are fetched again. Its error is
// ErrNoKeys when there are none yet. Only the key id is used to find a key: the headers that name another place for it are not read.
func (s *Set) Keyfunc(ctx context.Context) jwt.Keyfunc {
	find := s.keyfunc.KeyfuncCtx(ctx)
	return func(token *jwt.Token) (any, error) {
		if _, ok := token.Header["crit"]; ok { // RFC 7515 §4.1.11: what is critical and not understood must be refused
			return nil, errors.New("critical header not supported")
		}
		if s.Ready() != nil && s.opts.OnDemand {
			s.refetch(ctx, s.first)
		}
		if err := s.Ready(); err != nil {
			return nil, err
		}
		key, err := find(token)
		if errors.Is(err, jwkset.ErrKeyNotFound) {
			s.refetch(ctx, s.Unknown)
			key, err = find(token)
		}
		return key, err
	}
}

// refetch fetches the keys for a token with an unknown key id, unless that was done a moment ago. Callers share one
// fetch and look again when it is over.
func (s *Set) refetch(ctx context.Context, limit *rate.Limiter) {
	done := s.flight.DoChan("refetch", func() (any, error) {
		if !limit.Allow() {
			return nil, nil
		}
		return nil, s.load(context.WithoutCancel(ctx)) // the others wait for it too
	})
	select {
	case r := <-done:
		if r.Err != nil {
			s.opts.Logger.WarnContext(ctx, "signing keys not fetched", slog.String("error", r.Err.Error()))
		}
	case <-ctx.Done():
	}
}

// load fetches the keys; concurrent calls share one fetch.
func (s *Set) load(ctx context.Context) error {
	_, err, _ := s.flight.Do("load", func() (any, error) { return nil, s.fetch(ctx) })
	return err
}

func (s *Set) fetch(ctx context.Context) error {
	address, err := s.locate(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := s.opts.Client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, res.Status)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBytes))
	if err != nil {
		return err
	}
	keys, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return s.take(ctx, keys, sha256.Sum256(text), time.Now())
}

// take replaces the keys by those of a document, and by those that it named lately.
func (s *Set) take(ctx context.Context, keys []jwkset.JWK, hash [sha256.Size]byte, now time.Time) error {
	changed := s.generation.Load() == 0 || hash != s.last
	named := make(map[string]known, len(keys))
	for _, key := range keys {
		named[key.Marshal().KID] = known{key, now}
	}
	for id, k := range s.keys {
		if _, ok := named[id]; ok {
			continue
		}
		if now.Sub(k.seen) < s.opts.Keep {
			named[id] = k
			keys = append(keys, k.key)
		} else {
			changed = true
		}
	}
	s.keys = named
	if !changed {
		return nil
	}
	if err := s.storage.KeyReplaceAll(ctx, keys); err != nil {
		return err
	}
	s.last = hash
	s.generation.Add(1)
	s.opts.Logger.InfoContext(ctx, "signing keys loaded", slog.Int("keys", len(keys)))
	return nil
}
