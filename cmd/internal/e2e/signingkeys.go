package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
)

// SigningKeysFile is where all processes of the system have the keys by which they sign messages and requests.
func (s *System) SigningKeysFile() string { return filepath.Join(s.bin, "signing", "keys") }

// NewSigningKey is a line for SigningKeys: a key with an id.
func NewSigningKey(id string) string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return id + " " + base64.StdEncoding.EncodeToString(secret)
}

// SigningKeys replaces the keys of all processes, as a rotation does. The first line's key signs.
func (s *System) SigningKeys(lines ...string) error {
	file := s.SigningKeysFile()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
