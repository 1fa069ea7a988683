// Package mtls gives a process its identity: a certificate with a SPIFFE ID, taken from files and read again when they change. Both sides of
// a connection show one and check the other's.
//
// An ID is spiffe://<trust domain>/ns/<namespace>/sa/<service>, as Kubernetes service meshes write it. Services of one system differ in the
// last segment only, so that a process needs no more than its own certificate to know what the others' must say.
package mtls

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// The modes of a system.
const (
	Strict     = "strict"     // plain connections are refused
	Permissive = "permissive" // both are taken, to move a running system to strict
)

// Config is the environment of a process with a certificate.
type Config struct {
	// Dir holds tls.crt, tls.key (PKCS #8) and ca.crt: the names under which cert-manager keeps them in a Secret.
	Dir string `env:"TLS_DIR"`
}

// The files in Config.Dir.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
	caFile   = "ca.crt"
)

// reloadEvery is how often the files are looked at. A new certificate comes hours before the old one ends.
const reloadEvery = 2 * time.Second

// Options is what a Source needs from its process.
type Options struct {
	Registry prometheus.Registerer // nil: no metrics
	Logger   *slog.Logger          // nil: none
}

// Source is a process's certificate and the authorities that it trusts, always the newest. It is safe for concurrent use.
type Source struct {
	dir     string
	service string
	logger  *slog.Logger
	current atomic.Pointer[material]
	expiry  prometheus.Gauge
	failed  prometheus.Counter
	refused prometheus.Counter
}

// material is what was read at one time.
type material struct {
	files  [3][]byte
	svid   *x509svid.SVID
	bundle *x509bundle.Bundle
}

// Open reads the certificate of a service. The error says which file is missing or unfit: a key that is not the certificate's, a certificate
// that is over, that the authorities did not sign, or that is another service's.
func Open(cfg Config, service string, opts Options) (*Source, error) {
	if cfg.Dir == "" {
		return nil, errors.New("TLS_DIR is not set: it names the folder with tls.crt, tls.key and ca.crt")
	}
	s := &Source{
		dir: cfg.Dir, service: service, logger: opts.Logger,
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tls_certificate_expiry_timestamp_seconds", Help: "When the process's own certificate ends.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tls_reload_failures_total", Help: "Changed certificate files that could not be used; the ones from before are.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tls_refused_connections_total", Help: "Connections to the gRPC server without a certificate that it takes.",
		}),
	}
	if s.logger == nil {
		s.logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opts.Registry != nil {
		if err := errors.Join(opts.Registry.Register(s.expiry), opts.Registry.Register(s.failed), opts.Registry.Register(s.refused)); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	files, err := s.read()
	if err != nil {
		return nil, err
	}
	if err := s.use(files); err != nil {
		return nil, fmt.Errorf("%s: %w", s.dir, err)
	}
	return s, nil
}

// Watch reads the files again whenever they change, until ctx ends. Connections that stand are left alone: the next ones are made with the
// new certificate. Files that cannot be used, such as a half-written pair, change nothing.
func (s *Source) Watch(ctx context.Context) error {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	var refused [3][]byte // said once
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		files, err := s.read()
		if err == nil && same(files, s.current.Load().files) {
			continue
		}
		if err == nil {
			err = s.use(files)
		}
		switch {
		case err == nil:
			s.logger.InfoContext(ctx, "certificate replaced", "until", s.current.Load().svid.Certificates[0].NotAfter)
		case !same(files, refused):
			s.failed.Inc()
			s.logger.WarnContext(ctx, "certificate files cannot be used, going on with those from before", "dir", s.dir, "error", err)
			refused = files
		}
	}
}

// Valid fails when the certificate is over: no new connection can be made with it.
func (s *Source) Valid(context.Context) error {
	if end := s.current.Load().svid.Certificates[0].NotAfter; time.Now().After(end) {
		return fmt.Errorf("the certificate ended at %s", end.Format(time.RFC3339))
	}
	return nil
}

// ID is the process's own.
func (s *Source) ID() spiffeid.ID { return s.current.Load().svid.ID }

// ServiceOf is the name of the service that an ID belongs to, for IDs of this system in this namespace; "" for others and for nil.
func (s *Source) ServiceOf(id *url.URL) string {
	if id == nil {
		return ""
	}
	peer, err := spiffeid.FromURI(id)
	if err != nil || peer != s.sibling(path.Base(peer.Path())) {
		return ""
	}
	return path.Base(peer.Path())
}

// sibling is the ID of another service of the system; the zero ID, which no certificate has, when no service can have the name.
func (s *Source) sibling(service string) spiffeid.ID {
	own := s.ID()
	id, err := spiffeid.FromPath(own.TrustDomain(), path.Dir(own.Path())+"/"+service)
	if err != nil {
		return spiffeid.ID{}
	}
	return id
}

// GetX509SVID implements x509svid.Source.
func (s *Source) GetX509SVID() (*x509svid.SVID, error) { return s.current.Load().svid, nil }

// GetX509BundleForTrustDomain implements x509bundle.Source.
func (s *Source) GetX509BundleForTrustDomain(domain spiffeid.TrustDomain) (*x509bundle.Bundle, error) {
	return s.current.Load().bundle.GetX509BundleForTrustDomain(domain)
}

func (s *Source) read() (files [3][]byte, err error) {
	for i, name := range []string{certFile, keyFile, caFile} {
		if files[i], err = os.ReadFile(filepath.Join(s.dir, name)); err != nil {
			return files, fmt.Errorf("TLS_DIR: %w", err)
		}
	}
	return files, nil
}

// use makes files the current ones if they are sound.
func (s *Source) use(files [3][]byte) error {
	svid, err := x509svid.Parse(files[0], files[1])
	if err != nil {
		return err
	}
	bundle, err := x509bundle.Parse(svid.ID.TrustDomain(), files[2])
	if err != nil {
		return err
	}
	if _, _, err := x509svid.Verify(svid.Certificates, bundle); err != nil {
		return err
	}
	if name := path.Base(svid.ID.Path()); name != s.service {
		return fmt.Errorf("the certificate is of %s, and this is %s", svid.ID, s.service)
	}
	if before := s.current.Load(); before != nil && before.svid.ID != svid.ID {
		return fmt.Errorf("the certificate is of %s, and was of %s", svid.ID, before.svid.ID)
	}
	s.current.Store(&material{files: files, svid: svid, bundle: bundle})
	s.expiry.Set(float64(svid.Certificates[0].NotAfter.Unix()))
	return nil
}

func same(a, b [3][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
