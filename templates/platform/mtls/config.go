package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// Server is the configuration of a server that takes members of the trust domain and nobody else. What a member may do is not decided here.
func (s *Source) Server() *tls.Config {
	cfg := tlsconfig.MTLSServerConfig(s, s, tlsconfig.AuthorizeMemberOf(s.ID().TrustDomain()))
	harden(cfg)
	return cfg
}

// OpenServer is the configuration of a server that also takes clients without a certificate: probes have none. One that is shown is checked.
func (s *Source) OpenServer() *tls.Config {
	cfg := tlsconfig.TLSServerConfig(s)
	cfg.ClientAuth = tls.RequestClientCert
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return nil
		}
		id, chains, err := x509svid.Verify(state.PeerCertificates, s)
		if err != nil {
			return err
		}
		return tlsconfig.AuthorizeMemberOf(s.ID().TrustDomain())(id, chains)
	}
	harden(cfg)
	return cfg
}

// Client is the configuration of a client of a service. The server's ID must be that service's; its host's name does not matter.
func (s *Source) Client(service string) *tls.Config {
	cfg := tlsconfig.MTLSClientConfig(s, s, func(id spiffeid.ID, _ [][]*x509.Certificate) error {
		if want := s.sibling(service); id != want {
			return fmt.Errorf("the server is %s, not %s", id, want)
		}
		return nil
	})
	harden(cfg)
	return cfg
}

// PeerID is the ID in the certificate that a peer of Server or OpenServer has shown; an error when it has shown none.
func PeerID(state *tls.ConnectionState) (spiffeid.ID, error) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return spiffeid.ID{}, errors.New("no client certificate")
	}
	return x509svid.IDFromCert(state.PeerCertificates[0])
}

func harden(cfg *tls.Config) {
	cfg.MinVersion = tls.VersionTLS13
	// A resumed session is not checked again: a client could go on after its certificate has ended.
	cfg.SessionTicketsDisabled = true
}
