package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"

	"github.com/msgen-dev/msgen/templates/platform/gateway/internal/testpb"
)

func TestBucket(t *testing.T) {
	l, err := newLimiter("default", RateLimit{Requests: 10, Per: time.Second, Burst: 2, By: byClient})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"default";q=2;w=1`; l.policy != want {
		t.Errorf("policy %s, want %s", l.policy, want)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		key   string
		after time.Duration
		ok    bool
		left  int
		retry time.Duration
	}{
		{"a", 0, true, 1, 0},
		{"a", 0, true, 0, 100 * time.Millisecond},
		{"a", 0, false, 0, 100 * time.Millisecond},
		{"b", 0, true, 1, 0},
		{"a", 50 * time.Millisecond, false, 0, 50 * time.Millisecond},
		{"a", 50 * time.Millisecond, true, 0, 100 * time.Millisecond},
		{"a", time.Hour, true, 1, 0},
	} {
		now = now.Add(step.after)
		q := l.take(step.key, now)
		if q.ok != step.ok || q.remaining != step.left || (q.retry-step.retry).Abs() > time.Microsecond {
			t.Errorf("step %d: %+v", i, q)
		}
	}
}

func TestBucketsAreBounded(t *testing.T) {
	l, err := newLimiter("default", RateLimit{Requests: 1, Per: time.Hour, By: byClient})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 2 * limiterShards * bucketsPerShard {
		l.take(fmt.Sprint(i), now)
	}
	for i := range l.shards {
		if n := l.shards[i].buckets.Len(); n > bucketsPerShard {
			t.Errorf("shard %d holds %d buckets", i, n)
		}
	}
}

func TestLimitByClient(t *testing.T) {
	is := newIssuer(t)
	f := serve(t, setup{opts: Options{JWT: is.opts(), RateLimit: RateLimit{Requests: 3, Per: time.Hour, By: byClient}}})
	f.waitKeys(t)
	// Every request counts: unknown routes, refused tokens, and those that pretend to come from elsewhere.
	for i, path := range []string{"/v1/books/b1", "/nowhere", "/v1/books"} {
		method := http.MethodGet
		if i == 2 {
			method = http.MethodPost
		}
		got := f.do(t, method, path, "", "X-Forwarded-For: 203.0.113."+fmt.Sprint(i), "Authorization: Bearer x")
		if want := fmt.Sprintf(`"default";r=%d;t=`, 2-i); got.code == 429 || !strings.HasPrefix(got.header.Get("RateLimit"), want) || got.header.Get("RateLimit-Policy") != `"default";q=3;w=3600` {
			t.Fatalf("request %d: %d, %s, %s", i, got.code, got.header.Get("RateLimit"), got.header.Get("RateLimit-Policy"))
		}
	}
	got := f.do(t, "GET", "/v1/books/b1", "")
	if info := got.problem(t); got.code != 429 || info.Code != "RESOURCE_EXHAUSTED" || got.header.Get("Retry-After") == "" || got.header.Get("RateLimit") == "" {
		t.Errorf("got %d %v", got.code, got.header)
	}
	if is.fetched() != 1 {
		t.Errorf("%d fetches of keys", is.fetched())
	}
}

func TestLimitByToken(t *testing.T) {
	is := newIssuer(t)
	f := serve(t, setup{opts: Options{JWT: is.opts(), RateLimit: RateLimit{Requests: 2, Per: time.Hour, By: byToken}}})
	f.waitKeys(t)
	post := func(subject string) int {
		token := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("sub", subject))
		return f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+token).code
	}
	for i, want := range []int{201, 201, 429} {
		if code := post("ann"); code != want {
			t.Errorf("ann's request %d: %d", i, code)
		}
	}
	if code := post("bob"); code != 201 {
		t.Errorf("bob: %d", code)
	}
	// Guessing tokens is limited by client.
	for i, want := range []int{401, 401, 429} {
		if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer guess"+fmt.Sprint(i)); got.code != want {
			t.Errorf("guess %d: %d", i, got.code)
		}
	}
	if got := f.do(t, "GET", "/nowhere", ""); got.code != 429 {
		t.Errorf("unknown route after that: %d", got.code)
	}
}

// TestLimitOfRoute counts a route's requests by its own limit, beside the gateway's.
func TestLimitOfRoute(t *testing.T) {
	is := newIssuer(t)
	f := serve(t, setup{opts: Options{JWT: is.opts(), RateLimit: RateLimit{Requests: 6, Per: time.Hour, By: byClient}}, routes: func(gw *Gateway, books testpb.LibraryServiceClient) {
		Handle(gw, Route{
			Method: "POST", Path: "/v1/books", Name: "library.CreateBook", Body: "book", Success: 201, Scopes: []string{"books.write"},
			Limit: RateLimit{Requests: 1, Per: time.Minute, By: byToken},
		}, books.CreateBook)
		Handle(gw, Route{Method: "GET", Path: "/v1/books/:id", Name: "library.GetBook", Public: true}, books.GetBook)
	}})
	f.waitKeys(t)
	post := func(subject string) answer {
		token := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("sub", subject))
		return f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+token)
	}
	if got := post("ann"); got.code != 201 || strings.Join(got.header.Values("RateLimit-Policy"), ", ") != `"default";q=6;w=3600, "route";q=1;w=60` {
		t.Errorf("ann: %d, %v", got.code, got.header)
	}
	got := post("ann")
	if left := got.header.Values("RateLimit"); got.code != 429 || len(left) != 2 || !strings.HasPrefix(left[0], `"default";r=4;t=`) || !strings.HasPrefix(left[1], `"route";r=0;t=`) {
		t.Errorf("ann again: %d, %q", got.code, left)
	}
	if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
		t.Errorf("Retry-After: %q, the route's is within a minute", got.header.Get("Retry-After"))
	}
	if got := post("bob"); got.code != 201 {
		t.Errorf("bob: %d", got.code)
	}
	for i, want := range []int{200, 200, 200, 429} { // what the route refused counts for the gateway
		got := f.do(t, "GET", "/v1/books/b1", "")
		if got.code != want || len(got.header.Values("RateLimit")) != 1 {
			t.Errorf("read %d: %d, %q", i, got.code, got.header.Values("RateLimit"))
		}
	}
	if got := post("cid"); got.code != 429 || len(got.header.Values("RateLimit")) != 1 {
		t.Errorf("a token of its own, once the gateway's limit is used up: %d, %v", got.code, got.header)
	}
}

func TestLimitForAll(t *testing.T) {
	f := serve(t, setup{proxies: []string{"127.0.0.1"}, opts: Options{RateLimit: RateLimit{Requests: 1, Per: time.Hour, By: byGlobal}}})
	for i, want := range []int{200, 429} {
		if got := f.do(t, "GET", "/v1/books/b1", "", "X-Forwarded-For: 198.51.100."+fmt.Sprint(i)); got.code != want {
			t.Errorf("request %d: %d", i, got.code)
		}
	}
}

func TestTrustedProxy(t *testing.T) {
	f := serve(t, setup{
		proxies: []string{"127.0.0.0/8", "10.0.0.0/8"},
		opts:    Options{RateLimit: RateLimit{Requests: 1, Per: time.Hour, By: byClient}},
	})
	for _, test := range []struct {
		forwarded string
		code      int
	}{
		{"198.51.100.1", 200},
		{"198.51.100.1", 429},
		{"203.0.113.9, 198.51.100.1", 429},           // what the client itself put in front counts for nothing
		{"198.51.100.2, 10.1.2.3", 200},              // two proxies of ours
		{"2001:db8:1:2:3::1", 200},                   //
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 429},    // the same /64
		{"2001:db8:1:3::1", 200},                     //
		{"not an address", 200},                      // falls back on the proxy's own
		{"garbage, 203.0.113.77, 198.51.100.1", 429}, //
	} {
		if got := f.do(t, "GET", "/v1/books/b1", "", "X-Forwarded-For: "+test.forwarded); got.code != test.code {
			t.Errorf("%s: %d", test.forwarded, got.code)
		}
	}
	if !strings.Contains(f.logs.String(), `"client":"198.51.100.2"`) {
		t.Error("the client's address is not in the log")
	}
}

func TestOptionsRefused(t *testing.T) {
	jwks := JWT{Issuer: "i", Audience: "a", JWKS: "https://id.example.com/keys"}
	for name, opts := range map[string]Options{
		"any origin with credentials": {CORS: &CORS{Origins: []string{"*"}, Credentials: true}},
		"origin with a path":          {CORS: &CORS{Origins: []string{"https://shop.example.com/"}}},
		"origin without a scheme":     {CORS: &CORS{Origins: []string{"shop.example.com"}}},
		"limit by something":          {RateLimit: RateLimit{Requests: 1, Per: time.Second, By: "moon"}},
		"limit without a time":        {RateLimit: RateLimit{Requests: 1, By: byClient}},
		"negative limit":              {RateLimit: RateLimit{Requests: -1, Per: time.Second, By: byClient}},
		"by token without tokens":     {RateLimit: RateLimit{Requests: 1, Per: time.Second, By: byToken}},
		"no issuer":                   {JWT: &JWT{Audience: jwks.Audience, JWKS: jwks.JWKS}},
		"no audience":                 {JWT: &JWT{Issuer: jwks.Issuer, JWKS: jwks.JWKS}},
		"no keys":                     {JWT: &JWT{Issuer: jwks.Issuer, Audience: jwks.Audience, JWKS: "keys.json"}},
	} {
		if _, err := newGateway(opts, testDependencies()); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	gw, err := newGateway(Options{JWT: &jwks}, testDependencies())
	if err != nil {
		t.Error(err)
	}
	for name, limit := range map[string]RateLimit{
		"route's limit by something":    {Requests: 1, Per: time.Second, By: "moon"},
		"route's limit without a time":  {Requests: 1, By: byToken},
		"public route's limit by token": {Requests: 1, Per: time.Second, By: byToken},
	} {
		if err := gw.route(Route{Method: "GET", Path: "/v1/books", Name: "library.ListBooks", Public: true, Limit: limit}, func(*gin.Context) {}); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	deps := testDependencies()
	deps.trustedProxies = []string{"everyone"}
	if _, err := newGateway(Options{}, deps); err == nil {
		t.Error("bad trusted proxy: not refused")
	}
}

func TestCORS(t *testing.T) {
	f := serve(t, setup{opts: Options{
		CORS:      &CORS{Origins: []string{"https://shop.example.com"}, Credentials: true},
		RateLimit: RateLimit{Requests: 2, Per: time.Hour, By: byGlobal},
	}})
	preflight := f.do(t, "OPTIONS", "/v1/books", "", "Origin: https://shop.example.com", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://shop.example.com", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": corsMethods, "Access-Control-Allow-Headers": corsHeaders, "Access-Control-Max-Age": corsMaxAge, "Vary": "Origin",
	} {
		if got := preflight.header.Get(name); got != want || preflight.code != 204 {
			t.Errorf("preflight %d, %s: %q", preflight.code, name, got)
		}
	}
	for _, origin := range []string{"https://evil.example", "https://shop.example.com.evil.example", "http://shop.example.com", "null"} {
		got := f.do(t, "OPTIONS", "/v1/books", "", "Origin: "+origin, "Access-Control-Request-Method: POST")
		if got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Access-Control-Allow-Methods") != "" || got.header.Get("Vary") != "Origin" {
			t.Errorf("%s: %v", origin, got.header)
		}
	}
	f.do(t, "GET", "/v1/books/b1", "")
	f.do(t, "GET", "/v1/books/b1", "")
	// A page must be able to read why it was refused.
	got := f.do(t, "GET", "/v1/books/b1", "", "Origin: https://shop.example.com")
	if got.code != 429 || got.header.Get("Access-Control-Allow-Origin") != "https://shop.example.com" || got.header.Get("Access-Control-Expose-Headers") != corsExposed {
		t.Errorf("got %d %v", got.code, got.header)
	}
}

func TestCORSAnyOrigin(t *testing.T) {
	f := serve(t, setup{opts: Options{CORS: &CORS{Origins: []string{"*"}}}})
	got := f.do(t, "GET", "/v1/books/b1", "", "Origin: https://any.example")
	if got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("got %v", got.header)
	}
	if got := f.do(t, "OPTIONS", "/v1/books", ""); got.code != 405 {
		t.Errorf("OPTIONS that is no preflight: %d", got.code)
	}
}
