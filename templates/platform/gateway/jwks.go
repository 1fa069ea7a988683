package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	keysRefresh    = 5 * time.Minute // a key that the issuer withdraws is trusted for so long
	keysRetryFirst = time.Second     // after a failed fetch, doubled up to
	keysRetryMax   = 30 * time.Second
	keysRefetch    = 10 * time.Second // at most one fetch for unknown key ids in this time
	keysTimeout    = 5 * time.Second  // of one fetch
	keysMaxBytes   = 1 << 20
)

// errNoKeys says that no token can be verified yet: the issuer has not been reached since the start.
var errNoKeys = errors.New("no signing keys of the token issuer yet")

// keySet holds the issuer's public keys. Fetching fails without harm: the keys known stay in use.
type keySet struct {
	url        string
	logger     *slog.Logger
	client     *http.Client
	storage    *jwkset.MemoryJWKSet
	generation atomic.Uint64 // counts changes of the keys; 0: none yet
	flight     singleflight.Group
	unknown    *rate.Limiter
	last       [sha256.Size]byte // of the document in use; guarded by flight
}

func newKeySet(address string, logger *slog.Logger) (*keySet, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("jwt: jwks %q: must be an http(s) url", address)
	}
	if u.Scheme == "http" {
		logger.Warn("signing keys are fetched without tls: use it on a trusted network only", slog.String("url", address))
	}
	return &keySet{
		url:     address,
		logger:  logger,
		client:  &http.Client{Timeout: keysTimeout},
		storage: jwkset.NewMemoryStorage(),
		unknown: rate.NewLimiter(rate.Every(keysRefetch), 1),
	}, nil
}

func (k *keySet) ready() error {
	if k.generation.Load() == 0 {
		return errNoKeys
	}
	return nil
}

// run keeps the keys fresh until ctx ends.
func (k *keySet) run(ctx context.Context) {
	retry := keysRetryFirst
	for {
		wait := keysRefresh
		if err := k.load(ctx); err != nil && ctx.Err() == nil {
			k.logger.WarnContext(ctx, "signing keys not fetched", slog.String("error", err.Error()), slog.Duration("retry", retry))
			wait, retry = retry, min(2*retry, keysRetryMax)
		} else {
			retry = keysRetryFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// refetch fetches the keys for a token with an unknown key id, unless that was done a moment ago. Callers share one
// fetch and look again when it is over.
func (k *keySet) refetch(ctx context.Context) {
	done := k.flight.DoChan("refetch", func() (any, error) {
		if !k.unknown.Allow() {
			return nil, nil
		}
		return nil, k.load(context.WithoutCancel(ctx)) // the others wait for it too
	})
	select {
	case r := <-done:
		if r.Err != nil {
			k.logger.WarnContext(ctx, "signing keys not fetched", slog.String("error", r.Err.Error()))
		}
	case <-ctx.Done():
	}
}

// load fetches the keys; concurrent calls share one fetch.
func (k *keySet) load(ctx context.Context) error {
	_, err, _ := k.flight.Do("load", func() (any, error) { return nil, k.fetch(ctx) })
	return err
}

func (k *keySet) fetch(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return err
	}
	res, err := k.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", k.url, res.Status)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, keysMaxBytes))
	if err != nil {
		return err
	}
	hash := sha256.Sum256(text)
	if k.generation.Load() > 0 && hash == k.last {
		return nil
	}
	keys, err := parseKeys(text)
	if err != nil {
		return fmt.Errorf("%s: %w", k.url, err)
	}
	if err := k.storage.KeyReplaceAll(ctx, keys); err != nil {
		return err
	}
	k.last = hash
	k.generation.Add(1)
	k.logger.InfoContext(ctx, "signing keys loaded", slog.Int("keys", len(keys)))
	return nil
}

// parseKeys takes the public keys for signatures, leaving out what cannot be used: one odd key must not cost the others.
func parseKeys(text []byte) ([]jwkset.JWK, error) {
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	var keys []jwkset.JWK
	for _, raw := range set.Keys {
		if raw.KTY == jwkset.KtyOct || raw.USE != "" && raw.USE != jwkset.UseSig {
			continue
		}
		key, err := jwkset.NewJWKFromMarshal(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no usable signing key")
	}
	return keys, nil
}

// stringOrList is a claim that is a space-separated string or an array of such.
type stringOrList []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrList) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*s = strings.Fields(one)
		return nil
	}
	var many []string
	if err := json.Unmarshal(text, &many); err != nil {
		return err
	}
	*s = strings.Fields(strings.Join(many, " "))
	return nil
}
