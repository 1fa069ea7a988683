package jwks

import (
	"encoding/json"
	"errors"

	"github.com/MicahParks/jwkset"
)

// Algorithms are the signatures taken of an issuer that is not ours: asymmetric only. With HMAC the public key would do as the secret, and
// "none" is no signature.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// parse takes the public keys for signatures, leaving out what cannot be used: one odd key must not cost the others.
func parse(text []byte) ([]jwkset.JWK, error) {
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
