package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// key is a signing key of this service.
type key struct {
	id      string
	private ed25519.PrivateKey
	from    time.Time // when it begins to sign
}

// publicKey is the public half as a JSON Web Key (RFC 8037).
type publicKey struct {
	KTY string `json:"kty"`
	CRV string `json:"crv"`
	X   string `json:"x"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	KID string `json:"kid"`
}

func (k key) public() publicKey {
	return publicKey{KTY: "OKP", CRV: "Ed25519", X: encode(k.private.Public().(ed25519.PublicKey)), Use: "sig", Alg: "EdDSA", KID: k.id}
}

// readKey reads an Ed25519 key in PKCS#8 PEM, as cert-manager writes tls.key. Its id is its thumbprint, so that every replica and every
// restart gives it the same one.
func readKey(file string) (key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return key{}, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return key{}, fmt.Errorf("%s: want one Ed25519 private key in PKCS#8 PEM", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil { // its text may hold what it could not parse
		return key{}, fmt.Errorf("%s: %w", file, errors.New("not a PKCS#8 private key"))
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return key{}, fmt.Errorf("%s: want an Ed25519 key, not %T", file, parsed)
	}
	return key{id: thumbprint(private.Public().(ed25519.PublicKey)), private: private}, nil
}

// thumbprint is a key's JWK Thumbprint (RFC 7638 §3, RFC 8037 §2): the required members in their order, hashed.
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + encode(public) + `"}`))
	return encode(sum[:])
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
