package schema

import (
	"slices"
	"time"
)

// The shortest and the longest time for which an answer may be cached: under a second a cache only costs, and after a day nobody remembers that there
// is one.
const (
	minCacheTime = time.Second
	maxCacheTime = 24 * time.Hour
)

// checkCache reports answers that are to be cached where nothing can keep them, and a cache that nothing uses.
func (d *decoder) checkCache() {
	s := d.spec
	redis := s.Stack.Cache.V == "redis"
	signs := s.Security != nil && s.Security.RequestSigning.V == "hmac-sha256"
	used := s.Gateway != nil && s.Gateway.RateLimit != nil || signs && slices.ContainsFunc(s.Services, func(s *Service) bool { return len(s.Calls) > 0 })
	for _, service := range s.Services {
		for _, m := range service.API {
			if kind, _ := m.Behaviour(); !m.Cache.Set || kind != "reads" {
				continue // nothing is cached, or it is refused already
			}
			used = true
			at := "services." + service.Name.V + ".api." + m.Name.V + ".cache"
			switch {
			case m.Cache.V < minCacheTime || m.Cache.V > maxCacheTime:
				d.fail(at, m.Cache.Span, problemf("use a time from 1s to 24h", "an answer cannot be cached for %v", m.Cache.V))
			case !redis:
				d.fail(at, m.Cache.Span, problemf("add `cache: redis` to `stack`", "there is nothing that could cache the answers of %s: `stack.cache` is none", m.Name.V))
			}
		}
	}
	if redis && s.Stack.Cache.Set && !used {
		d.fail("stack.cache", s.Stack.Cache.Span, problemf("give a method with `reads` a `cache` time, or leave out `stack.cache`",
			"nothing uses the cache: no method has a `cache` time, no calls between services are signed, and the gateway has no rate limit that its replicas could share"))
	}
}
