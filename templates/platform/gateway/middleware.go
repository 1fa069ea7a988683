package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
)

// exchange is what the middlewares learn of one request.
type exchange struct {
	requestID string
	clientIP  string
	direct    bool    // no trusted proxy stands between
	caller    *caller // nil: nobody, or not yet
	err       error   // why it failed, for the log
}

type exchangeKey struct{}

// exchangeOf is never nil: identify comes first.
func exchangeOf(c *gin.Context) *exchange {
	x, _ := c.Request.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// identify gives the request its id, the client's own when it is usable, and finds the client's address.
func (gw *Gateway) identify(c *gin.Context) {
	remote := c.RemoteIP()
	x := &exchange{requestID: c.GetHeader("X-Request-Id"), clientIP: remote, direct: true}
	if gw.proxied { // parsing addresses again costs more than the rest of this function
		x.clientIP = c.ClientIP()
		x.direct = x.clientIP == remote
	}
	if !validRequestID(x.requestID) {
		x.requestID = uuid.Must(uuid.NewV7()).String()
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), exchangeKey{}, x))
	c.Header("X-Request-Id", x.requestID)
	secureHeaders(c, x)
}

// secureHeaders are those that the OWASP REST Security Cheat Sheet asks of an API: an answer is data, to be kept by no cache, shown in no frame
// and taken for nothing else. Whether the client came by TLS, only a trusted proxy can say.
func secureHeaders(c *gin.Context, x *exchange) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
	c.Header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("Cache-Control", "no-store")
	if c.Request.TLS != nil || !x.direct && c.GetHeader("X-Forwarded-Proto") == "https" {
		c.Header("Strict-Transport-Security", "max-age=31536000") // RFC 6797 §7.2: never over a plain connection
	}
}

// validRequestID takes what can go into logs and metadata unescaped.
func validRequestID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, b := range []byte(id) {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_', b == '.', b == ':':
		default:
			return false
		}
	}
	return true
}

// recovery answers a panic with 500 and logs where it came from.
func (gw *Gateway) recovery(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v) // asks net/http to cut the connection
		}
		gw.logger.LogAttrs(c.Request.Context(), slog.LevelError, "panic", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		if c.Writer.Written() {
			c.Abort()
			return
		}
		abort(c, http.StatusInternalServerError, codes.Internal, "internal error")
	}()
	c.Next()
}

// clean removes the headers by which a client could pretend to be someone else. Services are told who calls by gRPC
// metadata alone, which the gateway makes itself; this keeps it so for handlers added here later.
func (gw *Gateway) clean(c *gin.Context) {
	h := c.Request.Header
	h.Del("X-Subject")
	h.Del("X-Scopes")
	x := exchangeOf(c)
	h.Set("X-Request-Id", x.requestID)
	if x.direct {
		h.Del("Forwarded")
		h.Del("X-Forwarded-For")
		h.Del("X-Forwarded-Host")
		h.Del("X-Forwarded-Proto")
		h.Del("X-Real-Ip")
	}
}

// bound limits the request's time and size.
func (gw *Gateway) bound(c *gin.Context) {
	if c.Request.ContentLength > gw.opts.MaxBody {
		gw.tooLarge(c)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), gw.opts.Timeout)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, gw.opts.MaxBody)
	c.Next()
}

func (gw *Gateway) tooLarge(c *gin.Context) {
	c.Header("Connection", "close") // rather than read the rest
	abort(c, http.StatusRequestEntityTooLarge, codes.InvalidArgument, "the body is larger than %d bytes", gw.opts.MaxBody)
}

// limit takes one request from the caller's bucket and tells how many are left.
func limit(l *limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		x := exchangeOf(c)
		key := ""
		switch {
		case l.by == byToken && x.caller != nil:
			key = "subject:" + x.caller.subject
		case l.by != byGlobal:
			key = "client:" + clientNetwork(x.clientIP)
		}
		q := l.take(key, time.Now())
		if q.ok && l.shared != nil {
			if together, err := l.shared.take(c.Request.Context(), key); err == nil {
				q = together
			}
		}
		c.Writer.Header().Add("RateLimit-Policy", l.policy)
		c.Writer.Header().Add("RateLimit", q.header(l.name))
		if !q.ok {
			setRetryAfter(c, q.retry)
			abort(c, http.StatusTooManyRequests, codes.ResourceExhausted, "rate limit exceeded, try again in %d s", max(1, ceilSeconds(q.retry)))
		}
	}
}

// clientNetwork is the address, or for IPv6 its /64: one client has the whole of it to choose from.
func clientNetwork(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Unmap().Is4() {
		return ip
	}
	network, _ := addr.WithZone("").Prefix(64)
	return network.String()
}
