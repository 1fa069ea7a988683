// Package gateway turns REST into gRPC: it authenticates, limits and observes HTTP requests, binds them to request
// messages by the routes it is given, calls the service over a real connection and answers in JSON.
//
// A request passes, in this order: request id, trace, metrics, access log, panic recovery, header hygiene, CORS, time
// limit, body limit, rate limit, token, scopes. The observers stand outside of the recovery, so that a panic is
// counted and logged as the 500 that the client sees.
package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// Options is what the architecture spec says about the gateway. A zero value means the default given.
type Options struct {
	Name      string        // in logs, traces and the authentication realm
	Timeout   time.Duration // of one request, 5 s
	MaxBody   int64         // bytes, 1 MiB
	JWT       *JWT          // nil: no route is authenticated
	RateLimit RateLimit
	CORS      *CORS         // nil: no other origin may read answers
	Grace     time.Duration // to finish requests after SIGTERM, 30 s
	Sampling  float64       // share of the traces started here that are kept, 0–1
	Logs      string        // json or text
	Trust     service.Trust // the mode and signatures; nobody calls a gateway by gRPC
}

// JWT says which access tokens are taken.
type JWT struct {
	Issuer, Audience string
	JWKS             string // URL of the issuer's signing keys
}

// RateLimit is a token bucket for each client address, each token's subject, or all together.
type RateLimit struct {
	Requests int // per Per; 0: no limit
	Per      time.Duration
	Burst    int    // 0: as Requests
	By       string // client, token or global
	// Shared, such as "shop:gateway", has all replicas of that name count together, in the Redis of REDIS_URL. Each also keeps the limit for
	// itself, so that one that cannot reach Redis goes on with that: n replicas then let through up to n times as much, and nobody is refused
	// for Redis's sake.
	Shared string
}

// CORS says which web origins may read answers. "*" is any, and cannot be had together with credentials.
type CORS struct {
	Origins     []string // scheme://host[:port]
	Credentials bool
}

const (
	defaultTimeout = 5 * time.Second
	defaultMaxBody = 1 << 20
	defaultGrace   = 30 * time.Second

	headerTimeout  = 5 * time.Second // to send the request's headers
	idleTimeout    = time.Minute     // of a kept-alive connection
	maxHeaderBytes = 32 << 10
)

// Gateway holds the routes and what they share. It is set up by one goroutine; serving is concurrent.
type Gateway struct {
	opts    Options
	logger  *slog.Logger
	engine  *gin.Engine
	tracer  trace.Tracer
	metrics *metrics
	origins *origins       // nil without CORS
	limiter *limiter       // nil without a rate limit
	auth    *authenticator // nil without JWT
	proxied bool           // some proxies are trusted
	store   *kv.Store      // nil unless replicas share limits
	dial    func(service, defaultTarget string) (*grpc.ClientConn, error)
	conns   []*grpc.ClientConn
	errs    []error // of routes: reported together before serving
}

// dependencies is what a gateway needs from its process.
type dependencies struct {
	logger         *slog.Logger
	registry       prometheus.Registerer
	tracer         trace.Tracer
	store          *kv.Store // nil unless replicas share the limit
	trustedProxies []string  // addresses or CIDRs whose X-Forwarded-For is believed
	dial           func(service, defaultTarget string) (*grpc.ClientConn, error)
}

// newGateway checks the options and builds the middleware chain.
func newGateway(opts Options, deps dependencies) (*Gateway, error) {
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = defaultMaxBody
	}
	if opts.Grace == 0 {
		opts.Grace = defaultGrace
	}
	gw := &Gateway{opts: opts, logger: deps.logger, tracer: deps.tracer, dial: deps.dial, store: deps.store, proxied: len(deps.trustedProxies) > 0}
	var err error
	if gw.origins, err = newOrigins(opts.CORS); err != nil {
		return nil, err
	}
	if gw.auth, err = newAuthenticator(opts.Name, opts.JWT, deps.logger); err != nil {
		return nil, err
	}
	if gw.limiter, err = gw.newLimiter("default", opts.RateLimit); err != nil {
		return nil, err
	}
	if gw.metrics, err = newMetrics(deps.registry); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	gw.engine = gin.New()
	if err := gw.engine.SetTrustedProxies(deps.trustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	gw.chain()
	return gw, nil
}

// chain sets the middlewares that every request passes, also one for an unknown route.
func (gw *Gateway) chain() {
	e := gw.engine
	e.RemoteIPHeaders = []string{"X-Forwarded-For"}
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	// Routes match the path as it was sent: an id that holds %2F is one segment, and a%2F.. climbs nowhere. Values are
	// unescaped when they are bound, because gin would take "+" for a space.
	e.UseEscapedPath = true
	e.UnescapePathValues = false

	e.Use(gw.identify, gw.trace, gw.measure, gw.log, gw.recovery, gw.clean)
	if gw.origins != nil {
		e.Use(gw.origins.handle)
	}
	e.Use(gw.bound)
	limited := []gin.HandlerFunc{}
	if gw.limiter != nil {
		if gw.limiter.by == byToken {
			limited = append(limited, limit(gw.limiter)) // a route has no token to count by before authentication
		} else {
			e.Use(limit(gw.limiter))
		}
	}
	e.NoRoute(append(limited, noRoute)...)
	e.NoMethod(append(limited, noMethod)...)
}

// newLimiter returns nil without an error when no limit is set.
func (gw *Gateway) newLimiter(name string, opts RateLimit) (*limiter, error) {
	l, err := newLimiter(name, opts)
	if l == nil || err != nil {
		return nil, err
	}
	if l.by == byToken && gw.auth == nil {
		return nil, errors.New("rate limit by token needs jwt")
	}
	if opts.Shared != "" {
		l.shared = newSharedLimiter(gw.store, opts)
	}
	return l, nil
}

// Dial connects to a service. The environment variable <SERVICE>_TARGET overrides the target. The connection is made in
// the background, and closed when the process ends.
func (gw *Gateway) Dial(service, defaultTarget string) (*grpc.ClientConn, error) {
	conn, err := gw.dial(service, defaultTarget)
	if err != nil {
		return nil, err
	}
	conn.Connect()
	gw.conns = append(gw.conns, conn)
	return conn, nil
}

// route adds a route behind its own part of the chain.
func (gw *Gateway) route(r Route, h gin.HandlerFunc) (err error) {
	if len(r.Scopes) > 0 && (gw.auth == nil || r.Public) {
		return errors.New("scopes cannot be checked without a token: the route is public, or the gateway has no jwt")
	}
	var chain []gin.HandlerFunc
	guarded := gw.auth != nil && !r.Public
	if guarded {
		chain = append(chain, gw.authenticate)
	}
	if gw.limiter != nil && gw.limiter.by == byToken {
		chain = append(chain, limit(gw.limiter))
	}
	own := r.Limit
	if own.By == byToken && r.Public {
		return errors.New("rate limit by token: the route is public")
	}
	if name := gw.opts.RateLimit.Shared; name != "" {
		own.Shared = name + ":" + r.Name
	}
	limiter, err := gw.newLimiter("route", own)
	if err != nil {
		return err
	}
	if limiter != nil {
		chain = append(chain, limit(limiter))
	}
	if guarded {
		chain = append(chain, gw.authorize(r.Scopes))
	}
	defer func() { // gin reports a path that conflicts with another by a panic
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	chain = append(chain, h)
	gw.engine.Handle(r.Method, r.Path, chain...)
	if r.Method == http.MethodGet {
		gw.engine.Handle(http.MethodHead, r.Path, chain...) // net/http leaves out the body
	}
	return nil
}

// reachable fails when not one service is within reach. One that is down must not take the others' routes away.
func (gw *Gateway) reachable() error {
	for _, conn := range gw.conns {
		if s := conn.GetState(); s == connectivity.Ready || s == connectivity.Idle {
			return nil
		}
	}
	if len(gw.conns) > 0 {
		return errors.New("no service is reachable")
	}
	return nil
}

// server is the HTTP server, with every wait bounded: a client that sends or reads slowly cannot hold a connection.
func (gw *Gateway) server() *http.Server {
	return &http.Server{
		Handler:           gw.engine,
		ReadHeaderTimeout: headerTimeout,
		// Once this is over, net/http cancels the request even when its body was read: it must outlast the time limit.
		ReadTimeout:    gw.opts.Timeout + 2*headerTimeout,
		WriteTimeout:   gw.opts.Timeout + 3*headerTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(gw.logger.Handler(), slog.LevelWarn),
	}
}
