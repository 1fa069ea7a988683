package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Component is how a process talks to what is no part of the system, such as a database or a broker: its name in the environment stands
// before these.
type Component struct {
	// On refuses plain connections. The server's certificate must be of the host that was asked for.
	On bool `env:"TLS"`
	// CA is a file of authorities in PEM; without it those of the operating system are trusted.
	CA string `env:"CA_FILE"`
	// Cert and Key are files with the certificate to show, if the component asks for one. They are read for each connection, so that a new
	// one is shown as soon as it is there.
	Cert string `env:"CERT_FILE"`
	Key  string `env:"KEY_FILE"`
}

// Config is the configuration of a client; nil when TLS is not on. The error says which file cannot be used.
func (c Component) Config() (*tls.Config, error) {
	if !c.On {
		if c.CA != "" || c.Cert != "" || c.Key != "" {
			return nil, errors.New("certificates are named, but TLS is not on")
		}
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("CA_FILE: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA_FILE: %s holds no certificate in PEM", c.CA)
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("CERT_FILE and KEY_FILE go together")
	}
	if c.Cert != "" {
		if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
			return nil, fmt.Errorf("CERT_FILE: %w", err)
		}
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
			return &pair, err
		}
	}
	return cfg, nil
}
