package openapi

import (
	"net/http"
	"slices"

	"github.com/msgen-dev/msgen/generator/ordered"
	"github.com/msgen-dev/msgen/generator/view"
)

// fault is an error response that operations share. Codes follow google/rpc/code.proto, as the gateway maps them.
type fault struct {
	code       int
	name, text string
}

var (
	badRequest   = fault{http.StatusBadRequest, "BadRequest", "The request does not fit, or the state of the resource does not allow it (INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE)."}
	unauthorized = fault{http.StatusUnauthorized, "Unauthorized", "There is no valid token (UNAUTHENTICATED)."}
	forbidden    = fault{http.StatusForbidden, "Forbidden", "The token lacks a scope (PERMISSION_DENIED)."}
	notFound     = fault{http.StatusNotFound, "NotFound", "There is no such resource (NOT_FOUND)."}
	conflict     = fault{http.StatusConflict, "Conflict", "It is there already, or the etag is not the current one (ALREADY_EXISTS, ABORTED)."}
	tooLarge     = fault{http.StatusRequestEntityTooLarge, "TooLarge", "The body is too large."}
	mediaType    = fault{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The body is no application/json."}
	tooMany      = fault{http.StatusTooManyRequests, "TooManyRequests", "There were too many requests (RESOURCE_EXHAUSTED)."}
	internal     = fault{http.StatusInternalServerError, "Internal", "The fault is on this side (INTERNAL, UNKNOWN, DATA_LOSS)."}
	missing      = fault{http.StatusNotImplemented, "NotImplemented", "The method is not written yet (UNIMPLEMENTED)."}
	unavailable  = fault{http.StatusServiceUnavailable, "Unavailable", "A service cannot be reached; try again later (UNAVAILABLE)."}
	tooLate      = fault{http.StatusGatewayTimeout, "Timeout", "It took too long (DEADLINE_EXCEEDED)."}
)

// faults are the errors that a route can answer with, by code.
func (d *document) faults(r *view.Route) []fault {
	m := r.Method
	list := []fault{badRequest}
	if d.gw.Spec.JWT != nil && !m.Public {
		list = append(list, unauthorized)
		if len(m.Scopes) > 0 {
			list = append(list, forbidden)
		}
	}
	if hasKey(m) {
		list = append(list, notFound)
	}
	if writes(m) {
		list = append(list, conflict)
	}
	if r.Body != "" {
		list = append(list, tooLarge, mediaType)
	}
	list = append(list, tooMany, internal)
	if m.Kind == view.Own {
		list = append(list, missing)
	}
	return append(list, unavailable, tooLate)
}

// use adds the fault to the shared responses.
func (d *document) use(f fault) {
	if d.responses.Get(f.name) != nil {
		return
	}
	d.responses.Set(f.name, ordered.New().
		Set("description", f.text).
		Set("headers", d.headers(f == tooMany || f == unavailable, f)).
		Set("content", ordered.New().Set("application/problem+json", ordered.New().
			Set("schema", ordered.New().Set("$ref", "#/components/schemas/Error")))))
}

// headers are those of a response; retry adds Retry-After.
func (d *document) headers(retry bool, of ...fault) *ordered.Map {
	headers := ordered.New()
	add := func(name, component string) {
		headers.Set(name, ordered.New().Set("$ref", "#/components/headers/"+component))
	}
	add("X-Request-Id", "RequestId")
	if d.gw.Spec.RateLimit != nil {
		add("RateLimit", "RateLimit")
		add("RateLimit-Policy", "RateLimitPolicy")
	}
	if retry {
		add("Retry-After", "RetryAfter")
	}
	if len(of) > 0 && (of[0] == unauthorized || of[0] == forbidden) {
		add("WWW-Authenticate", "Authenticate")
	}
	return headers
}

func (d *document) components() *ordered.Map {
	d.schemas.defs.Set("Error", problemSchema())
	c := ordered.New().
		Set("schemas", d.schemas.defs).
		Set("responses", d.responses).
		Set("headers", d.headerComponents())
	if jwt := d.gw.Spec.JWT; jwt != nil {
		c.Set("securitySchemes", ordered.New().Set("bearer", ordered.New().
			Set("type", "http").Set("scheme", "bearer").Set("bearerFormat", "JWT").
			Set("description", "A token of "+jwt.Issuer.V+" for the audience "+jwt.Audience.V+
				", signed with a key of "+jwt.JWKS.V+". An operation's x-required-scopes must all be in its claim scope.")))
	}
	return c
}

func (d *document) headerComponents() *ordered.Map {
	header := func(typ, text string) *ordered.Map {
		return ordered.New().Set("description", text).Set("schema", ordered.New().Set("type", typ))
	}
	quotas := func(params string) string {
		text := `"default";` + params + "."
		if d.limited() {
			text += ` Some routes have one of their own beside it, "route".`
		}
		return text
	}
	headers := ordered.New().
		Set("RequestId", header("string", "The request's id, also in the logs and traces."))
	if d.gw.Spec.RateLimit != nil {
		headers.
			Set("RateLimit", header("string", "What is left of the quota: "+quotas("r=requests;t=seconds until it is full"))).
			Set("RateLimitPolicy", header("string", "The quota: "+quotas("q=requests;w=seconds")))
	}
	headers.Set("RetryAfter", header("integer", "Seconds after which to try again."))
	if d.gw.Spec.JWT != nil {
		headers.Set("Authenticate", header("string", "Why the token was refused (RFC 6750)."))
	}
	return headers
}

// limited reports that some route has a limit of its own.
func (d *document) limited() bool {
	return slices.ContainsFunc(d.gw.Routes, func(r *view.Route) bool { return r.Method.Limit() != nil })
}

// problemSchema is the body of every error: problem details (RFC 9457), with what AIP-193 adds.
func problemSchema() *ordered.Map {
	str := func(text string) *ordered.Map { return ordered.New().Set("type", "string").Set("description", text) }
	field := ordered.New().Set("type", "object").
		Set("required", []string{"field", "pointer", "detail"}).
		Set("properties", ordered.New().
			Set("field", str("The field of the request's message, such as lines[0].quantity.")).
			Set("pointer", str("The same as a JSON pointer (RFC 6901).")).
			Set("detail", str("What is wrong with it.")).
			Set("reason", str("The constraint that it breaks.")))
	return ordered.New().Set("type", "object").
		Set("required", []string{"type", "title", "status", "detail", "code", "requestId"}).
		Set("properties", ordered.New().
			Set("type", str("about:blank: the title is that of the HTTP status.")).
			Set("title", str("The HTTP status in words.")).
			Set("status", ordered.New().Set("type", "integer").Set("description", "The HTTP status.")).
			Set("detail", str("What is wrong, for a developer.")).
			Set("code", str("The gRPC code's name, such as NOT_FOUND.")).
			Set("requestId", str("The request's id.")).
			Set("errors", ordered.New().Set("type", "array").Set("description", "The fields at fault.").Set("items", field)).
			Set("details", ordered.New().Set("type", "array").
				Set("description", "Other standard details by their @type, such as google.rpc.ErrorInfo (AIP-193).").
				Set("items", ordered.New().Set("type", "object").Set("additionalProperties", true))))
}
