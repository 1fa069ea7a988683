package view

import (
	"fmt"
	"strings"
)

// HoldsKeys reports that processes under Compose read keys from files.
func (s *System) HoldsKeys() bool { return s.ServiceAuth() != "" || s.Signs() }

// The ways in which services prove by tokens who they are, as in the spec.
const (
	authJWT    = "jwt"
	authOAuth2 = "oauth2"
)

// ServiceAuth is how services prove by tokens who they are: jwt, oauth2, or "" when they do not.
func (s *System) ServiceAuth() string {
	if s.Spec.Security == nil {
		return ""
	}
	return s.Spec.Security.ServiceAuth.V
}

// SignsTokens reports that services sign their tokens themselves.
func (s *System) SignsTokens() bool { return s.ServiceAuth() == authJWT }

// UsesOAuth2 reports that services get their tokens from an issuer.
func (s *System) UsesOAuth2() bool { return s.ServiceAuth() == authOAuth2 }

// Guarded reports that the service knows who calls, and has methods that somebody may call.
func (s *Service) Guarded() bool {
	return (s.System.UsesTLS() || s.System.ServiceAuth() != "") && len(s.Called()) > 0
}

// Trust is the Go expression of whom the service believes; "" for everybody.
func (s *Service) Trust() string {
	return trust(s.System, s.Guarded(), len(s.Clients) > 0, s.System.callers(s))
}

// Trust is the Go expression of how the gateway proves who it is; "" when it does not.
func (g *Gateway) Trust() string { return trust(g.System, false, true, nil) }

func trust(sys *System, guarded, calls bool, callers []string) string {
	var fields []string
	if sys.UsesTLS() {
		fields = append(fields, "Mode: "+sys.TLSModeGo())
	}
	if guarded {
		fields = append(fields, "Callers: callers")
	}
	if maker := map[string]string{authJWT: "JWT", authOAuth2: "OAuth2"}[sys.ServiceAuth()]; maker != "" {
		var edges []string
		if calls {
			edges = append(edges, "Calls: true")
		}
		if len(callers) > 0 {
			edges = append(edges, fmt.Sprintf("Callers: []string{%s}", `"`+strings.Join(callers, `", "`)+`"`))
		}
		fields = append(fields, fmt.Sprintf("Auth: token.%s(token.Edges{%s})", maker, strings.Join(edges, ", ")))
	}
	if sys.Signs() {
		fields = append(fields, "Signed: true")
	}
	if len(fields) == 0 {
		return ""
	}
	return "service.Trust{" + strings.Join(fields, ", ") + "}"
}

// Secret is what a process proves by who it is: a key of a Secret, and the variable that names its file.
type Secret struct{ Name, Key, Variable string }

// tokenSecret is the secret of a process that calls others; nil when it needs none.
func (s *System) tokenSecret(process string, calls bool) *Secret {
	switch {
	case !calls:
		return nil
	case s.SignsTokens():
		return &Secret{process + "-token", "tls.key", "TOKEN_KEY_FILE"}
	case s.UsesOAuth2():
		return &Secret{process + "-oauth2", "client-secret", "OAUTH2_CLIENT_SECRET_FILE"}
	}
	return nil
}

// TokenSecret is by what the pod gets its tokens; nil when it has none.
func (p *Pod) TokenSecret() *Secret { return p.System.tokenSecret(p.Name, len(p.Callees) > 0) }

// SignsTokens reports that the pod signs tokens with a key of its own.
func (p *Pod) SignsTokens() bool { return p.System.SignsTokens() && len(p.Callees) > 0 }

// GetsTokens reports that the pod gets tokens from an issuer, with a secret of its own.
func (p *Pod) GetsTokens() bool { return p.System.UsesOAuth2() && len(p.Callees) > 0 }

// TokenSettings are the service's environment variables for tokens, as YAML.
func (s *Service) TokenSettings() []string {
	return settings(s.System.tokenSecret(s.Name, len(s.Clients) > 0))
}

// TokenSettings are the gateway's environment variables for tokens, as YAML.
func (g *Gateway) TokenSettings() []string { return settings(g.System.tokenSecret("gateway", true)) }

func settings(secret *Secret) []string {
	if secret == nil {
		return nil
	}
	return []string{secret.Variable + ": /token/" + secret.Key}
}

// Mounts are what is mounted into the service's container under Compose, as YAML.
func (s *Service) Mounts() []string { return s.System.mounts(s.Name, len(s.Clients) > 0) }

// Mounts are what is mounted into the gateway's container under Compose, as YAML.
func (g *Gateway) Mounts() []string { return g.System.mounts("gateway", true) }

func (s *System) mounts(process string, calls bool) []string {
	var list []string
	if s.UsesTLS() {
		list = append(list, fmt.Sprintf("{type: volume, source: certs, target: /tls, read_only: true, volume: {subpath: %s}}", process))
	}
	if s.tokenSecret(process, calls) != nil {
		list = append(list, fmt.Sprintf("{type: bind, source: ./keys/%s, target: /token, read_only: true}", process))
	}
	if s.Signs() {
		list = append(list, "{type: bind, source: ./keys/.signing, target: /signing, read_only: true}")
	}
	return list
}

// KeysOf are the pods whose keys this one fetches, to verify their tokens.
func (p *Pod) KeysOf() []string {
	if !p.System.SignsTokens() {
		return nil
	}
	return p.Callers
}

// KeysFor are the pods that fetch this one's keys.
func (p *Pod) KeysFor() []string {
	if !p.System.SignsTokens() {
		return nil
	}
	return p.Callees
}

// TokenIssuer reports that the pod talks to the issuer of the services' tokens: to get them, or to verify those of its callers.
func (p *Pod) TokenIssuer() bool { return p.System.UsesOAuth2() && len(p.Callees)+len(p.Callers) > 0 }

// TokenIssuer reports that the service talks to the issuer of the services' tokens.
func (s *Service) TokenIssuer() bool {
	return s.System.UsesOAuth2() && (len(s.Clients) > 0 || len(s.System.callers(s)) > 0)
}
