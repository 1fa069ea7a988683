package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// Cached reports that the rows that the method reads are kept in Redis.
func (m *Method) Cached() bool { return m.Kind == Read && m.Spec != nil && m.Spec.Cache.Set }

// CacheTime is for how long, as Go.
func (m *Method) CacheTime() string { return GoDuration(m.Spec.Cache.V) }

// Rows is the field of the store with the rows that the method reads.
func (m *Method) Rows() string { return Lower(m.Name) + "Rows" }

// CacheKey is the Go expression of the row that the request req asks for.
func (m *Method) CacheKey() string {
	return m.Resource.canonical(m.KeyField.asText("req.Get" + m.KeyField.Go + "()"))
}

// CachedReads are the methods that read the resource through Redis.
func (r *Resource) CachedReads() []*Method {
	var list []*Method
	for _, m := range r.Service.Methods {
		if m.Cached() && m.Resource.Name == r.Name {
			list = append(list, m)
		}
	}
	return list
}

// CacheKeyOf is the Go expression of the row of the parameter KeyVar.
func (r *Resource) CacheKeyOf() string { return r.canonical(r.KeyVarText()) }

// canonical is the Go expression of a key, given as text, as the database writes it: a UUID can be written in several ways.
func (r *Resource) canonical(text string) string {
	if r.Key.Type.Kind == schema.KindUUID {
		return "strings.ToLower(" + text + ")"
	}
	return text
}

// Cached are the service's methods that read through Redis.
func (s *Service) Cached() []*Method {
	var list []*Method
	for _, m := range s.Methods {
		if m.Cached() {
			list = append(list, m)
		}
	}
	return list
}

// Cached are those of all services.
func (s *System) Cached() []*Method {
	var list []*Method
	for _, svc := range s.Services {
		list = append(list, svc.Cached()...)
	}
	return list
}

// SharesLimit reports that the gateway's replicas count requests together, in Redis.
func (g *Gateway) SharesLimit() bool {
	return g.Spec.RateLimit != nil && g.System.Spec.Stack.Cache.V == "redis"
}

// SharesNonces reports that the service's replicas remember signed requests together, in Redis.
func (s *Service) SharesNonces() bool {
	return s.System.Signs() && len(s.Called()) > 0 && s.System.Spec.Stack.Cache.V == "redis"
}

// SharesNonces reports that some service does.
func (s *System) SharesNonces() bool { return slices.ContainsFunc(s.Services, (*Service).SharesNonces) }

// UsesRedis reports that the service talks to Redis.
func (s *Service) UsesRedis() bool { return len(s.Cached()) > 0 || s.SharesNonces() }

// UsesRedis reports that some process talks to Redis.
func (s *System) UsesRedis() bool {
	return slices.ContainsFunc(s.Services, (*Service).UsesRedis) || s.Gateway != nil && s.Gateway.SharesLimit()
}

// SharedSummary is what services share.
func (s *System) SharedSummary() string {
	if !s.UsesRedis() {
		return "none but the broker"
	}
	var uses []string
	for _, m := range s.Cached() {
		uses = append(uses, fmt.Sprintf("rows that %s.%s reads, for %v", m.Service.Name, m.Name, m.Spec.Cache.V))
	}
	if s.Gateway != nil && s.Gateway.SharesLimit() {
		uses = append(uses, "the gateway's count of requests")
	}
	if s.SharesNonces() {
		uses = append(uses, "nonces of signed requests")
	}
	return "the broker, and a Redis that nothing needs to go on: " + strings.Join(uses, "; ")
}

// CachedRemade are the operators' commands that make rows anew that are cached, "" when there are none.
func (s *System) CachedRemade() string {
	replay, rebuild := false, false
	for _, m := range s.Cached() {
		replay = replay || m.Aggregate != nil && m.Aggregate.EventSourced()
		rebuild = rebuild || m.View != nil
	}
	switch {
	case replay && rebuild:
		return "`replay` or `rebuild`"
	case replay:
		return "`replay`"
	case rebuild:
		return "`rebuild`"
	}
	return ""
}
