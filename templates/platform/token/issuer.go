package token

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// defaultDelay is between the time at which a key is published and that from which it signs: twice the time that a mounted Secret may take
// to reach every replica (kubelet: a sync period of 60 s and a cache) and callees have looked once more meanwhile.
const defaultDelay = 3 * time.Minute

// lookEvery is the pause between two looks at the key's file.
const lookEvery = 5 * time.Second

// Issuer signs the tokens of a service, and publishes the keys to check them with.
//
// The key is a file that others rotate. A new one is published at once but signs only after a delay, so that all callees can have seen it;
// the old one stays published until its last token has expired. At a start there is one key, and it signs at once.
type Issuer struct {
	service string
	file    string
	delay   time.Duration
	every   time.Duration
	logger  *slog.Logger
	now     func() time.Time
	tokens  *cache

	mu     sync.Mutex
	keys   []key  // in the order in which they came
	signs  string // the id of the key of the cached tokens
	broken string // why the file could not be read; "" if it could
}

// newIssuer reads the key of service from file. delay is how long a later key is published before it signs, 0: the default.
func newIssuer(service, file string, delay time.Duration, logger *slog.Logger) (*Issuer, error) {
	first, err := readKey(file)
	if err != nil {
		return nil, fmt.Errorf("key for tokens: %w", err)
	}
	if delay <= 0 {
		delay = defaultDelay
	}
	i := &Issuer{service: service, file: file, delay: delay, every: lookEvery, logger: logger, now: time.Now, keys: []key{first}}
	i.tokens = newCache(i.sign, func() time.Time { return i.now() })
	return i, nil
}

// Token implements rpc.TokenSource. Once another key signs, the tokens of the one before are used no more.
func (i *Issuer) Token(ctx context.Context, audience string) (string, error) {
	id := i.signing().id
	i.mu.Lock()
	changed := i.signs != id
	i.signs = id
	i.mu.Unlock()
	if changed {
		i.tokens.forget()
	}
	return i.tokens.token(ctx, audience)
}

// Run looks for a new key until ctx ends.
func (i *Issuer) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(i.every):
			i.look(ctx)
		}
	}
}

// look takes the file's key, if it is another one. One that cannot be read changes nothing: the keys known go on.
func (i *Issuer) look(ctx context.Context) {
	found, err := readKey(i.file)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		if i.broken != err.Error() { // once, not every few seconds
			i.logger.ErrorContext(ctx, "new key for tokens not taken, the known one goes on", "error", err)
		}
		i.broken = err.Error()
		return
	}
	i.broken = ""
	i.prune()
	if i.keys[len(i.keys)-1].id == found.id {
		return
	}
	found.from = i.now().Add(i.delay)
	for n, k := range i.keys {
		if k.id == found.id { // one that came back: everybody knows it
			found.from = i.now()
			i.keys = slices.Delete(i.keys, n, n+1)
			break
		}
	}
	i.keys = append(i.keys, found)
	i.logger.InfoContext(ctx, "new key for tokens published", "kid", found.id, "signs_from", found.from)
}

// prune forgets the keys whose last token has expired, on the clocks of all callees.
func (i *Issuer) prune() {
	for len(i.keys) > 1 && i.now().After(i.keys[1].from.Add(lifetime+2*leeway)) {
		i.keys = i.keys[1:]
	}
}

// signing is the newest of the keys that have been published for long enough.
func (i *Issuer) signing() key {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	current := i.keys[0]
	for _, k := range i.keys[1:] {
		if !now.Before(k.from) {
			current = k
		}
	}
	return current
}

// sign makes a token for audience.
func (i *Issuer) sign(_ context.Context, audience string) (text string, expires time.Time, err error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return "", expires, fmt.Errorf("token for %s: %w", audience, err)
	}
	k, now := i.signing(), i.now()
	expires = now.Add(lifetime)
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.RegisteredClaims{
		Issuer: i.service, Subject: i.service, Audience: jwt.ClaimStrings{audience}, ID: id.String(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
	})
	token.Header["kid"] = k.id
	if text, err = token.SignedString(k.private); err != nil {
		return "", expires, fmt.Errorf("token for %s: %w", audience, err)
	}
	return text, expires, nil
}

// ServeHTTP answers with the public keys: also those that do not sign yet, or any more.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	i.prune()
	var set struct {
		Keys []publicKey `json:"keys"`
	}
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.public())
	}
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(set) // the asker is gone: nobody to tell
}
