package signing

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is the environment of a process that signs.
type Config struct {
	// KeysFile holds one key a line: its id, a space and the key in base64. The first signs, all verify. Empty lines and those that begin
	// with # are skipped.
	KeysFile string `env:"SIGNING_KEYS_FILE"`
}

const (
	minKey      = 32 // bytes: RFC 2104 §3 advises against keys shorter than the hash
	maxKeyID    = 64
	maxFile     = 64 << 10
	reloadEvery = 2 * time.Second
)

// Options is what a Keyring needs from its process.
type Options struct {
	Registry prometheus.Registerer // nil: no metrics
	Logger   *slog.Logger          // nil: none
}

// Keyring holds the keys, always the newest. It is safe for concurrent use.
type Keyring struct {
	file    string
	logger  *slog.Logger
	current atomic.Pointer[keys]
	failed  prometheus.Counter
}

// keys are what was read at one time.
type keys struct {
	content []byte
	signing string // id of the key that signs
	secrets map[string][]byte
}

// Open reads the keys. The error says which line is unfit, and never shows a key.
func Open(cfg Config, opts Options) (*Keyring, error) {
	if cfg.KeysFile == "" {
		return nil, errors.New("SIGNING_KEYS_FILE is not set: it names the file with the keys that sign messages and requests")
	}
	k := &Keyring{
		file: cfg.KeysFile, logger: opts.Logger,
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "signing_reload_failures_total", Help: "Changed files of signing keys that could not be used; the keys from before are.",
		}),
	}
	if k.logger == nil {
		k.logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opts.Registry != nil {
		if err := opts.Registry.Register(k.failed); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	content, err := read(k.file)
	if err != nil {
		return nil, err
	}
	parsed, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEYS_FILE: %s: %w", k.file, err)
	}
	k.current.Store(parsed)
	return k, nil
}

// Watch reads the file again whenever it changes, until ctx ends. One that cannot be used changes nothing.
func (k *Keyring) Watch(ctx context.Context) error {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	var refused string // said once
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			refused = k.reload(ctx, refused)
		}
	}
}

// reload uses the file if it is new and sound, and returns what it refused; it says so only if that is not what was refused before.
func (k *Keyring) reload(ctx context.Context, refused string) string {
	content, err := read(k.file)
	if err == nil && bytes.Equal(content, k.current.Load().content) {
		return ""
	}
	var parsed *keys
	if err == nil {
		parsed, err = parse(content)
	}
	if err == nil {
		k.current.Store(parsed)
		k.logger.InfoContext(ctx, "signing keys replaced", "signs", parsed.signing, "keys", slices.Sorted(maps.Keys(parsed.secrets)))
		return ""
	}
	if state := err.Error() + string(content); state != refused {
		k.failed.Inc()
		k.logger.WarnContext(ctx, "signing keys cannot be used, going on with those from before", "file", k.file, "error", err)
		return state
	}
	return refused
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEYS_FILE: %w", err)
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEYS_FILE: %w", err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("SIGNING_KEYS_FILE: %s is larger than %d bytes", file, maxFile)
	}
	return content, nil
}

func parse(content []byte) (*keys, error) {
	k := &keys{content: content, secrets: map[string][]byte{}}
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: want an id, a space and a key in base64", number)
		}
		id := fields[0]
		if !validKeyID(id) {
			return nil, fmt.Errorf("line %d: an id is made of up to %d letters, digits, dots, dashes and underscores", number, maxKeyID)
		}
		secret, err := base64.StdEncoding.DecodeString(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: the key is not base64", number) // the error itself would show a part of it
		}
		if len(secret) < minKey {
			return nil, fmt.Errorf("line %d: the key has %d bytes, and needs %d: make it with openssl rand -base64 %d", number, len(secret), minKey, minKey)
		}
		if _, twice := k.secrets[id]; twice {
			return nil, fmt.Errorf("line %d: key %s is there twice", number, id)
		}
		k.secrets[id] = secret
		if k.signing == "" {
			k.signing = id
		}
	}
	if k.signing == "" {
		return nil, errors.New("holds no key")
	}
	return k, nil
}

// validKeyID keeps ids such that they need no quoting in headers.
func validKeyID(id string) bool {
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return id != "" && len(id) <= maxKeyID
}

// mac is the HMAC of form under a secret.
func mac(secret, form []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(form)
	return h.Sum(nil)
}

// verify checks a signature in base64 in constant time.
func (k *keys) verify(id, signature string, form []byte) error {
	secret, known := k.secrets[id]
	if !known {
		if !validKeyID(id) {
			id = "that is no id"
		}
		return refusal{UnknownKey, fmt.Errorf("signed with key %s, which is not in SIGNING_KEYS_FILE", id)}
	}
	got, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(got, mac(secret, form)) {
		return refusal{BadSign, fmt.Errorf("the signature under key %s does not fit: forged, or altered since", id)}
	}
	return nil
}
