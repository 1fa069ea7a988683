package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// localCA is the command of a generated system that makes certificates on one machine.
const localCA = "localca"

// CertificateDir is the folder of a process's certificate, or of another one's that the system knows, such as prometheus.
func (s *System) CertificateDir(name string) string {
	return filepath.Join(s.Dir, "bin", "certs", name)
}

// certify gives each process a certificate, if the system has any.
func (s *System) certify(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.bin, localCA)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := s.Recertify(ctx); err != nil {
		return err
	}
	for _, name := range s.Names() {
		p := s.processes[name]
		p.env = append(p.env, "TLS_DIR="+s.CertificateDir(name))
		p.ops = s.ClientOf("prometheus", name)
	}
	return nil
}

// ClientOf is an HTTPS client for one process's operations endpoint that shows the certificate of as; "" shows none. One that cannot be read
// fails the requests.
func (s *System) ClientOf(as, process string) *http.Client {
	shown := as
	if as == "" {
		shown = process // for the authority, and the names of the others
	}
	source, err := mtls.Open(mtls.Config{Dir: s.CertificateDir(shown)}, shown, mtls.Options{})
	if err != nil {
		return &http.Client{Transport: failing{err}}
	}
	cfg := source.Client(process)
	if as == "" {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// Recertify makes the certificates that are missing or soon over.
func (s *System) Recertify(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, localCA), "-dir", filepath.Join(s.Dir, "bin", "certs"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("localca: %w\n%s", err, out)
	}
	return nil
}
