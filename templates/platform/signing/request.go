package signing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/metadata"
)

// Requests are signed with HTTP Message Signatures (RFC 9421) in gRPC's metadata. Where that does not fit gRPC:
//
//   - @method is always POST, and @authority the name of the called service, since hosts of pods and proxies change;
//   - content-digest (RFC 9530) is that of the request message's bytes before gRPC frames and compresses them;
//   - the opening of a stream is signed, without a digest: its messages come later;
//   - the set of components is fixed, and one signature is taken, labelled sig1.
//
// Who calls, by its token, and on whose behalf is covered as the components authorization, x-request-id, x-subject and x-scopes.

// Keys of the metadata.
const (
	inputKey     = "signature-input"
	signatureKey = "signature"
	digestKey    = "content-digest"
)

// identityKeys say who makes a request, and on whose behalf: see package rpc.
var identityKeys = [...]string{"x-request-id", "x-subject", "x-scopes", "authorization"}

// Requests signs and verifies requests of one process.
type Requests struct {
	keys    *Keyring
	self    string
	logger  *slog.Logger
	refused *prometheus.CounterVec
	nonces  *nonces
	shared  Nonces // nil: those of this process are all
	codec   *codec
	now     func() time.Time
}

// NewRequests returns what signs and verifies the requests of the service self.
func NewRequests(keys *Keyring, self string, opts Options) (*Requests, error) {
	r := &Requests{
		keys: keys, self: self, logger: keys.logger, nonces: newNonces(maxNonces), codec: newCodec(), now: time.Now,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rpc_signature_refused_total", Help: "Requests refused because of their signature.",
		}, []string{"reason"}),
	}
	if opts.Logger != nil {
		r.logger = opts.Logger
	}
	for _, reason := range []string{Unsigned, UnknownKey, BadSign, Late, Replayed} {
		r.refused.WithLabelValues(reason) // a zero is a value
	}
	if opts.Registry != nil {
		if err := opts.Registry.Register(r.refused); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// Share makes replicas refuse what one of them took. While with fails, each goes by its own memory: a replay could then get through once to each,
// which is better than no requests at all. It is for the time before requests come.
func (s *Requests) Share(with Nonces) { s.shared = with }

// request is what a signature covers.
type request struct {
	authority, path string
	digest          string // "" for a stream
	md              metadata.MD
}

// base is the signature base (RFC 9421 §2.5).
func (r request) base(params string) []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(`"` + name + `": ` + value + "\n") }
	line("@method", "POST")
	line("@authority", r.authority)
	line("@path", r.path)
	if r.digest != "" {
		line(digestKey, r.digest)
	}
	for _, key := range identityKeys {
		for _, value := range r.md.Get(key) {
			line(key, strconv.Quote(value))
		}
	}
	b.WriteString(`"@signature-params": ` + params)
	return []byte(b.String())
}

// components is the list of what the signature covers.
func (r request) components() string {
	list := []string{`"@method"`, `"@authority"`, `"@path"`}
	if r.digest != "" {
		list = append(list, `"`+digestKey+`"`)
	}
	for _, key := range identityKeys {
		if len(r.md.Get(key)) > 0 {
			list = append(list, `"`+key+`"`)
		}
	}
	return "(" + strings.Join(list, " ") + ")"
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// sign returns ctx with the signature of a request in its outgoing metadata.
func (s *Requests) sign(ctx context.Context, service, method, digest string) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx)
	md = md.Copy()
	if md == nil {
		md = metadata.MD{}
	}
	r := request{service, method, digest, md}
	keys := s.keys.current.Load()
	params := fmt.Sprintf(`%s;created=%d;nonce=%q;keyid=%q;alg="hmac-sha256"`, r.components(), s.now().Unix(), rand.Text(), keys.signing)
	md.Set(inputKey, "sig1="+params)
	md.Set(signatureKey, "sig1=:"+base64.StdEncoding.EncodeToString(mac(keys.secrets[keys.signing], r.base(params)))+":")
	md.Delete(digestKey)
	if digest != "" {
		md.Set(digestKey, digest)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

var input = regexp.MustCompile(`^sig1=((\([^()]*\));created=([0-9]{1,12});nonce="([A-Z2-7]{26})";keyid="([A-Za-z0-9._-]{1,64})";alg="hmac-sha256")$`)

// verify returns why a request to this process is not taken. Digest is that of the bytes that came.
func (s *Requests) verify(ctx context.Context, md metadata.MD, method, digest string) error {
	params, signature := md.Get(inputKey), md.Get(signatureKey)
	if len(params) == 0 || len(signature) == 0 {
		return refusal{Unsigned, fmt.Errorf("the request is not signed")}
	}
	r := request{s.self, method, digest, md}
	m := input.FindStringSubmatch(params[0])
	if len(params) != 1 || len(signature) != 1 || m == nil || m[2] != r.components() {
		return refusal{BadSign, fmt.Errorf("the signature's parameters are not those of this system")}
	}
	value, ok := strings.CutPrefix(signature[0], "sig1=:")
	value, closed := strings.CutSuffix(value, ":")
	if !ok || !closed {
		return refusal{BadSign, fmt.Errorf("the signature is not one of RFC 9421")}
	}
	if err := s.keys.current.Load().verify(m[5], value, r.base(m[1])); err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(m[3], 10, 64)
	now := s.now()
	if err != nil || !within(time.Unix(seconds, 0), now) {
		return refusal{Late, fmt.Errorf("the request was signed more than %s from now", Window)}
	}
	// Only a nonce that was signed is kept, so that strangers cannot fill the memory.
	if !s.nonces.take(m[4], time.Unix(seconds, 0).Add(Window), now) {
		return refusal{Replayed, fmt.Errorf("the request was made before, or too many were to tell")}
	}
	if s.shared != nil {
		if first, err := s.shared.Claim(ctx, m[4], nonceLife); err == nil && !first {
			return refusal{Replayed, fmt.Errorf("the request was made before, to another replica")}
		}
	}
	return nil
}
