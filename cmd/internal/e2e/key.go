package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
)

// TokenKeyFile is where a process has the key by which it signs the tokens of its calls.
func (s *System) TokenKeyFile(name string) string {
	return filepath.Join(s.bin, name+".token", "tls.key")
}

// NewTokenKey gives a process another key, as a rotation does.
func (s *System) NewTokenKey(name string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	file := s.TokenKeyFile(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// jwksURL is where a process publishes the keys of its tokens: on its operations endpoint, over TLS where the system has certificates.
func (s *System) jwksURL(p *Process) string {
	scheme := "http://"
	if _, err := os.Stat(filepath.Join(s.bin, localCA)); err == nil {
		scheme = "https://"
	}
	return scheme + p.Ops + "/.well-known/jwks.json"
}
