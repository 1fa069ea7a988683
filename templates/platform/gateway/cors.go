package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
)

// What a page of another origin may send and read, beyond what browsers always allow.
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, X-Request-Id, Traceparent, Tracestate"
	corsExposed = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
	corsMaxAge  = "600" // seconds a browser may remember a preflight
)

// origins is the CORS policy. Requests of other origins are served all the same: it is the browser that hides the
// answer, when the headers are missing.
type origins struct {
	any         bool
	allowed     map[string]bool
	credentials bool
}

// newOrigins returns nil without an error when there is no policy.
func newOrigins(opts *CORS) (*origins, error) {
	if opts == nil {
		return nil, nil
	}
	o := &origins{allowed: make(map[string]bool), credentials: opts.Credentials}
	for _, origin := range opts.Origins {
		if origin == "*" {
			o.any = true
			continue
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return nil, fmt.Errorf("cors origin %q: must be scheme://host[:port]", origin)
		}
		o.allowed[origin] = true
	}
	if o.any && o.credentials {
		return nil, errors.New(`cors origin "*" with credentials: every site could act in the user's name; list the origins`)
	}
	return o, nil
}

func (o *origins) handle(c *gin.Context) {
	h := c.Writer.Header()
	if !o.any {
		h.Add("Vary", "Origin") // also without Origin, or a cache would give this answer to one that has it
	}
	origin := c.GetHeader("Origin")
	if origin == "" {
		return
	}
	allowed := o.any || o.allowed[origin]
	switch {
	case o.any:
		h.Set("Access-Control-Allow-Origin", "*")
	case allowed:
		h.Set("Access-Control-Allow-Origin", origin)
		if o.credentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	if allowed {
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
	if c.Request.Method != http.MethodOptions || c.GetHeader("Access-Control-Request-Method") == "" {
		return
	}
	if allowed { // a preflight: the browser asks before it sends
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
	c.AbortWithStatus(http.StatusNoContent)
}
