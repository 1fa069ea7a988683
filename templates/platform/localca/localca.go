// Package localca is a certificate authority for one machine, where there is no cert-manager: it makes a key and a certificate for each
// process of a system, in files as cert-manager writes them, and makes them anew before they end. Its own key lies beside them, so it
// is for development and tests. What it makes belongs into no repository.
package localca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Authority says what certificates are made.
type Authority struct {
	Dir       string        // _ca/ is the authority's own, <name>/ has tls.crt, tls.key and ca.crt of a process
	Domain    string        // the trust domain: shop
	Namespace string        // shop
	Lifetime  time.Duration // of a process's certificate; it is made anew when a third of it is left
	Names     []string      // the processes
	Owners    Owners        // of the processes' files
}

// Owners are user ids, by the process's name; under "" is that of all others. Who has none in it gets files of who runs this.
type Owners map[string]int

func (o Owners) of(name string) int {
	for _, n := range []string{name, ""} {
		if id, ok := o[n]; ok {
			return id
		}
	}
	return nobody
}

// nobody leaves the owner of a file as it is.
const nobody = -1

const (
	caName     = "_ca" // no process can have the name
	caLifetime = 10 * 365 * 24 * time.Hour
	skew       = time.Minute // clocks of containers differ
)

// Ensure makes what is missing or soon over, and returns the names whose certificates it made. What is there and good is left alone. A file is
// replaced in one step; the key comes first, and who reads a pair in between finds that they do not belong together and tries again.
func (a Authority) Ensure(now time.Time) (made []string, err error) {
	ca, err := a.ca(now)
	if err != nil {
		return nil, err
	}
	for _, name := range a.Names {
		if a.good(name, ca.Leaf, now) {
			continue
		}
		if err := a.issue(name, ca, now); err != nil {
			return made, fmt.Errorf("certificate of %s: %w", name, err)
		}
		made = append(made, name)
	}
	return made, nil
}

// Check fails unless every process has a certificate that is good for now.
func (a Authority) Check(now time.Time) error {
	ca, err := load(filepath.Join(a.Dir, caName))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range a.Names {
		if !a.good(name, ca.Leaf, now) {
			errs = append(errs, fmt.Errorf("%s has no good certificate", name))
		}
	}
	return errors.Join(errs...)
}

// ca returns the authority's own certificate, a new one if there is none.
func (a Authority) ca(now time.Time) (*tls.Certificate, error) {
	dir := filepath.Join(a.Dir, caName)
	pair, err := load(dir)
	switch {
	case err == nil:
		if now.After(pair.Leaf.NotAfter) {
			return nil, fmt.Errorf("the authority in %s is over: remove the folder, and all certificates are made anew", dir)
		}
		return pair, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: a.Domain + " on this machine"}, URIs: []*url.URL{{Scheme: "spiffe", Host: a.Domain}},
		NotBefore: now.Add(-skew), NotAfter: now.Add(caLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	chain, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := write(dir, chain, key, nil, nobody); err != nil {
		return nil, err
	}
	return load(dir)
}

// good reports that a process's certificate is this authority's and that more than a third of its life is left.
func (a Authority) good(name string, ca *x509.Certificate, now time.Time) bool {
	pair, err := load(filepath.Join(a.Dir, name))
	if err != nil {
		return false
	}
	leaf := pair.Leaf
	if leaf.CheckSignatureFrom(ca) != nil || len(leaf.URIs) != 1 || leaf.URIs[0].String() != a.id(name).String() {
		return false
	}
	return leaf.NotAfter.Sub(now) > leaf.NotAfter.Sub(leaf.NotBefore)/3
}

func (a Authority) id(name string) *url.URL {
	return &url.URL{Scheme: "spiffe", Host: a.Domain, Path: "/ns/" + a.Namespace + "/sa/" + name}
}

func (a Authority) issue(name string, ca *tls.Certificate, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		// What is no part of the system, such as Prometheus, checks the host's name.
		URIs: []*url.URL{a.id(name)}, DNSNames: []string{name, "localhost"},
		NotBefore: now.Add(-skew), NotAfter: now.Add(a.Lifetime),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer, ok := ca.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("the authority's key cannot sign")
	}
	chain, err := sign(template, ca.Leaf, key.Public(), signer)
	if err != nil {
		return err
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Leaf.Raw})
	return write(filepath.Join(a.Dir, name), chain, key, root, a.Owners.of(name))
}

// sign returns the certificate in PEM.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// load reads a certificate and its key; the error is fs.ErrNotExist when one is missing.
func load(dir string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// write replaces the files of a folder. root is nil for the authority itself.
func write(dir string, chain []byte, key *ecdsa.PrivateKey, root []byte, owner int) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if owner != nobody {
		if err := os.Chown(dir, owner, -1); err != nil {
			return err
		}
	}
	files := []struct {
		name    string
		content []byte
	}{{"ca.crt", root}, {"tls.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}, {"tls.crt", chain}}
	for _, f := range files {
		if f.content == nil {
			continue
		}
		if err := replace(filepath.Join(dir, f.name), f.content, owner); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file beside its place and renames it there.
func replace(name string, content []byte, owner int) (err error) {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
		}
	}()
	if owner != nobody {
		if err := os.Chown(temporary, owner, -1); err != nil {
			return err
		}
	}
	return os.Rename(temporary, name)
}
