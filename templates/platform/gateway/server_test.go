package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func testDependencies() dependencies {
	return dependencies{
		logger: slog.New(slog.DiscardHandler), registry: prometheus.NewRegistry(), tracer: noop.NewTracerProvider().Tracer("test"),
		dial: func(_, target string) (*grpc.ClientConn, error) {
			return grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		},
	}
}

func TestRequestID(t *testing.T) {
	f := serve(t, setup{})
	if got := f.do(t, "GET", "/v1/books/b1", "", "X-Request-Id: ok-1_2.3:4"); got.header.Get("X-Request-Id") != "ok-1_2.3:4" {
		t.Errorf("not echoed: %v", got.header)
	}
	for _, bad := range []string{"", "has space", `quote"`, "ünicode", strings.Repeat("x", 129)} {
		got := f.do(t, "GET", "/v1/books/b1", "", "X-Request-Id: "+bad)
		id, err := uuid.Parse(got.header.Get("X-Request-Id"))
		if err != nil || id.Version() != 7 {
			t.Errorf("%q became %q", bad, got.header.Get("X-Request-Id"))
		}
		if md := f.library.metadata().Get("x-request-id"); len(md) != 1 || md[0] != id.String() {
			t.Errorf("the service saw %v", md)
		}
	}
}

// raw sends bytes as they are and returns the answer's status code.
func raw(t *testing.T, f *fixture, request string) int {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestHostileConnections(t *testing.T) {
	f := serve(t, setup{opts: Options{MaxBody: 100}, server: func(s *http.Server) { s.ReadTimeout = time.Second }})
	for name, test := range map[string]struct {
		request string
		code    int
	}{
		"huge header":         {"GET /v1/books/b1 HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 2*maxHeaderBytes) + "\r\n\r\n", 431},
		"many headers":        {"GET /v1/books/b1 HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", maxHeaderBytes/16) + "\r\n", 431},
		"slow body":           {"POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{", 408},
		"declared too large":  {"POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n", 413},
		"chunked too large":   {"POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nC8\r\n" + strings.Repeat("x", 200) + "\r\n", 413},
		"length and chunked":  {"POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", 400},
		"no host":             {"GET /v1/books/b1 HTTP/1.1\r\n\r\n", 400},
		"line break in value": {"GET /v1/books/b1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x00b\r\n\r\n", 400},
		"invented method":     {"BREW /v1/books HTTP/1.1\r\nHost: x\r\n\r\n", 405},
	} {
		if code := raw(t, f, test.request); code != test.code {
			t.Errorf("%s: %d", name, code)
		}
	}
	if got := f.do(t, "GET", "/v1/books/b1", ""); got.code != 200 {
		t.Errorf("after that: %d", got.code)
	}
}

func TestEveryWaitIsBounded(t *testing.T) {
	gw, err := newGateway(Options{Timeout: time.Minute}, testDependencies())
	if err != nil {
		t.Fatal(err)
	}
	s := gw.server()
	if s.ReadHeaderTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Error("no bound")
	}
	if s.ReadTimeout <= time.Minute || s.WriteTimeout <= s.ReadTimeout { // net/http would cut a request before its own time limit
		t.Errorf("read %v, write %v", s.ReadTimeout, s.WriteTimeout)
	}
}

func TestSlowHeaders(t *testing.T) {
	f := serve(t, setup{server: func(s *http.Server) { s.ReadHeaderTimeout = 50 * time.Millisecond }})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprint(conn, "GET /v1/books/b1 HTTP/1.1\r\nHost: x\r\nX-A: "); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := got.ReadFrom(conn); err != nil { // ends when the server hangs up, fails at the deadline
		t.Fatal(err)
	}
	if strings.Contains(got.String(), "200 OK") {
		t.Error(got.String())
	}
}

func TestObservability(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	f := serve(t, setup{tracer: provider.Tracer("test")})
	f.do(t, "GET", "/v1/books/b1?id=secret", "", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.do(t, "GET", "/v1/books/b2", "")
	f.do(t, "BREW", "/nowhere", "")

	ended := spans.Ended()
	if len(ended) != 3 {
		t.Fatalf("%d spans", len(ended))
	}
	if s := ended[0]; s.Name() != "GET /v1/books/:id" || s.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || s.Parent().SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("span %s, trace %s, parent %s", s.Name(), s.SpanContext().TraceID(), s.Parent().SpanID())
	}
	if ended[2].Name() != "_OTHER" {
		t.Errorf("span %s", ended[2].Name())
	}
	scrape := httptest.NewRecorder()
	promhttp.HandlerFor(f.registry, promhttp.HandlerOpts{}).ServeHTTP(scrape, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`http_server_requests_total{code="200",method="GET",route="/v1/books/:id"} 1`,
		`http_server_requests_total{code="400",method="GET",route="/v1/books/:id"} 1`,
		`http_server_requests_total{code="404",method="_OTHER",route="unmatched"} 1`,
		`http_server_request_duration_seconds_count{method="GET",route="/v1/books/:id"} 2`,
		`http_server_requests_in_flight 0`,
	} {
		if !strings.Contains(scrape.Body.String(), want+"\n") {
			t.Errorf("metrics lack %s:\n%s", want, scrape.Body)
		}
	}
	logs := f.logs.String()
	if strings.Count(logs, `"msg":"request"`) != 3 || !strings.Contains(logs, `"route":"/v1/books/:id"`) || strings.Contains(logs, "secret") {
		t.Errorf("logs: %s", logs)
	}
}

func TestOneServiceMustBeReachable(t *testing.T) {
	f := serve(t, setup{})
	f.do(t, "GET", "/v1/books/b1", "") // connects
	deadline := time.Now().Add(20 * time.Second)
	for f.gateway.reachable() != nil { // a connection carries requests a moment before it says that it is ready
		if time.Now().After(deadline) {
			t.Fatal(f.gateway.reachable())
		}
		time.Sleep(time.Millisecond)
	}
	gw, err := newGateway(Options{}, testDependencies())
	if err != nil {
		t.Fatal(err)
	}
	if err := gw.reachable(); err != nil {
		t.Errorf("without services: %v", err)
	}
	closed := listen(t)
	_ = closed.Close() // nobody listens there
	conn, err := gw.Dial("library", closed.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := gw.reachable(); err == nil {
		t.Error("reachable without a service")
	}
}
