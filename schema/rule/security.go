package rule

import (
	"fmt"
	"net"
	"net/url"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

func security() []Rule {
	return []Rule{
		{"MSG401", "ExposedWithoutAuth", diag.Error, Security, exposedWithoutAuth, OfSpec},
		{"MSG402", "PublicWithScopes", diag.Error, Security, publicWithScopes, OfSpec},
		{"MSG403", "PublicWrite", diag.Error, Security, publicWrite, OfSpec},
		{"MSG404", "ScopesWithoutAuth", diag.Error, Security, scopesWithoutAuth, OfSpec},
		{"MSG405", "UnsafeJWT", diag.Error, Security, unsafeJWT, OfSpec},
		{"MSG406", "CORSCredentials", diag.Error, Security, corsCredentials, OfSpec},
		{"MSG407", "InternalExposed", diag.Error, Security, internalExposed, OfSpec},
		{"MSG408", "AccessWithoutRoute", diag.Error, Security, accessWithoutRoute, OfSpec},
		{"MSG409", "WeakMTLS", diag.Error, Security, weakMTLS, OfSpec},
		{"MSG410", "ServicesWithoutIdentity", diag.Error, Security, servicesWithoutIdentity, OfSpec},
		{"MSG411", "UnsignedRequests", diag.Warning, Security, unsignedRequests, OfSpec},
		{"MSG412", "LiteralSecret", diag.Error, Security, literalSecret, OfSpec},
		{"MSG413", "PersonalDataShared", diag.Warning, Security, personalDataShared, OfSpec},
	}
}

func exposedWithoutAuth(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP != nil && len(m.Scopes) == 0 && !m.Public.V {
			report.add(finding{
				path: path, span: m.HTTP.Span, message: fmt.Sprintf("%s is exposed, but nothing says who may call it", m.Name.V),
				help: "add `scopes: [...]`, or `public: true` when anyone may", related: []diag.Label{label(m.Name.Span, "")},
			})
		}
	})
}

func publicWithScopes(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.Public.V && len(m.Scopes) > 0 {
			report.add(finding{
				path: path + ".public", span: m.Public.Span, message: fmt.Sprintf("%s is both public and needs scopes", m.Name.V),
				help: "keep one of the two", related: []diag.Label{label(m.Scopes[0].Span, "needs a token")},
			})
		}
	})
}

func publicWrite(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP != nil && m.Public.V && m.Writes() {
			kind, target := m.Behaviour()
			report.add(finding{
				path: path + ".public", span: m.Public.Span, message: fmt.Sprintf("anyone may call %s, which changes %s", m.Name.V, target.V),
				help: "replace `public` by `scopes: [...]`", related: []diag.Label{label(target.Span, kind)},
			})
		}
	})
}

func scopesWithoutAuth(s *schema.Spec, report Report) {
	if s.Gateway == nil || s.Gateway.JWT != nil {
		return
	}
	var first *schema.Method
	methods(s, func(m *schema.Method, _ string) {
		if first == nil && m.HTTP != nil && len(m.Scopes) > 0 {
			first = m
		}
	})
	if first != nil {
		report.add(finding{
			path: "gateway.auth", span: first.Scopes[0].Span, label: "needs a token", message: "methods need scopes, but the gateway knows no tokens",
			help: "add `gateway: {auth: {jwt: {issuer: ..., audience: ..., jwks: ...}}}`",
		})
	}
}

// unsafeJWT wants issuer, audience and keys, the keys by https; plain http is for loopback addresses only.
func unsafeJWT(s *schema.Spec, report Report) {
	if s.Gateway == nil || s.Gateway.JWT == nil {
		return
	}
	j := s.Gateway.JWT
	for _, part := range []struct {
		name, why string
		value     schema.Value[string]
	}{
		{"issuer", "tokens of anyone whose keys are there would pass", j.Issuer},
		{"audience", "tokens made for other systems would pass", j.Audience},
		{"jwks", "there are no keys to check tokens with", j.JWKS},
	} {
		if !part.value.Set {
			report.add(finding{path: "gateway.auth.jwt." + part.name, span: j.Span, message: fmt.Sprintf("jwt has no %s: %s", part.name, part.why), help: fmt.Sprintf("add `%s:`", part.name)})
		}
	}
	u, err := url.Parse(j.JWKS.V)
	if !j.JWKS.Set || err != nil {
		return
	}
	switch {
	case u.User != nil:
		report.add(finding{path: "gateway.auth.jwt.jwks", span: j.JWKS.Span, message: "the address of the keys holds a password", help: "keys are public: fetch them without one"})
	case u.Scheme != "https" && !loopback(u.Hostname()):
		report.add(finding{path: "gateway.auth.jwt.jwks", span: j.JWKS.Span, message: "the keys are fetched over plain http", help: "use https: who can change the keys can make tokens"})
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func corsCredentials(s *schema.Spec, report Report) {
	if s.Gateway == nil || s.Gateway.CORS == nil || !s.Gateway.CORS.Credentials.V {
		return
	}
	for _, o := range s.Gateway.CORS.Origins {
		if o.V == "*" {
			report.add(finding{
				path: "gateway.cors.origins", span: o.Span, message: "any page may call with the credentials of its visitor",
				help: "name the origins, or remove `credentials`", related: []diag.Label{label(s.Gateway.CORS.Credentials.Span, "credentials")},
			})
		}
	}
}

func internalExposed(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP != nil && m.Internal.V {
			report.add(finding{
				path: path + ".internal", span: m.Internal.Span, message: fmt.Sprintf("%s is internal but has a route", m.Name.V),
				help: "keep one of `internal` and `http`", related: []diag.Label{label(m.HTTP.Span, "exposed here")},
			})
		}
	})
}

func accessWithoutRoute(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP != nil || m.Service.Proto.Set {
			return
		}
		f := finding{message: fmt.Sprintf("%s is not exposed, so that", m.Name.V), help: "add `http:`, or remove it"}
		switch {
		case len(m.Scopes) > 0:
			f.path, f.span = path+".scopes", m.Scopes[0].Span
			f.message += " its scopes protect nothing"
		case m.Public.V:
			f.path, f.span = path+".public", m.Public.Span
			f.message += " it cannot be public"
		default:
			return
		}
		report.add(f)
	})
}
