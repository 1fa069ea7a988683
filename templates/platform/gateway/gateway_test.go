package gateway

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/gateway/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/jwks"
	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

// library is the service behind the gateway. It answers what it was asked, and remembers the metadata of the last call.
type library struct {
	testpb.UnimplementedLibraryServiceServer
	mu   sync.Mutex
	last metadata.MD
	fail func(ctx context.Context) error // instead of an answer
}

func (l *library) called(ctx context.Context) error {
	l.mu.Lock()
	l.last, _ = metadata.FromIncomingContext(ctx)
	fail := l.fail
	l.mu.Unlock()
	if fail != nil {
		return fail(ctx)
	}
	return nil
}

func (l *library) metadata() metadata.MD {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *library) failWith(fail func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = fail
}

func (l *library) CreateBook(ctx context.Context, req *testpb.CreateBookRequest) (*testpb.Book, error) {
	book := req.GetBook()
	if book == nil {
		book = &testpb.Book{}
	}
	book.Id = "new:" + req.GetRequestId()
	return book, l.called(ctx)
}

func (l *library) GetBook(ctx context.Context, req *testpb.GetBookRequest) (*testpb.Book, error) {
	return &testpb.Book{Id: req.GetId(), Title: "Emma"}, l.called(ctx)
}

func (l *library) ListBooks(ctx context.Context, req *testpb.ListBooksRequest) (*testpb.ListBooksResponse, error) {
	return &testpb.ListBooksResponse{Request: req}, l.called(ctx)
}

func (l *library) UpdateBook(ctx context.Context, req *testpb.UpdateBookRequest) (*testpb.UpdateBookRequest, error) {
	return req, l.called(ctx)
}

func (l *library) DeleteBook(ctx context.Context, _ *testpb.DeleteBookRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, l.called(ctx)
}

func (l *library) EchoKinds(ctx context.Context, req *testpb.Kinds) (*testpb.Kinds, error) {
	return req, l.called(ctx)
}

// fixture is a gateway over loopback in front of a library.
type fixture struct {
	url      string
	library  *library
	gateway  *Gateway
	registry *prometheus.Registry
	logs     *syncBuffer
}

// syncBuffer collects logs of concurrent requests.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// setup is what a test may change of the fixture.
type setup struct {
	opts    Options
	proxies []string
	tracer  trace.Tracer
	routes  func(gw *Gateway, books testpb.LibraryServiceClient) // nil: routes
	server  func(*http.Server)
	discard bool // logs
	redis   *kv.Config
}

func serve(tb testing.TB, s setup) *fixture {
	tb.Helper()
	f := &fixture{library: &library{}, registry: prometheus.NewRegistry(), logs: &syncBuffer{}}
	logger := slog.New(slog.NewJSONHandler(f.logs, nil))
	if s.discard {
		logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
	}
	if s.tracer == nil {
		s.tracer = noop.NewTracerProvider().Tracer("test")
	}
	var store *kv.Store
	if s.redis != nil {
		var err error
		if store, err = kv.Open(*s.redis, f.registry, logger); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = store.Close() })
	}
	target := serveGRPC(tb, f.library)
	gw, err := newGateway(s.opts, dependencies{
		logger: logger, registry: f.registry, tracer: s.tracer, trustedProxies: s.proxies, store: store,
		dial: func(string, string) (*grpc.ClientConn, error) {
			return rpc.Dial(target, rpc.DialOptions{Registry: f.registry})
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	f.gateway = gw
	conn, err := gw.Dial("library", "")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	if s.routes == nil {
		s.routes = routes
	}
	s.routes(gw, testpb.NewLibraryServiceClient(conn))
	for _, err := range gw.errs {
		tb.Fatal(err)
	}
	if gw.auth != nil {
		runKeys(tb, gw.auth.keys)
	}
	server := gw.server()
	if s.server != nil {
		s.server(server)
	}
	f.url = serveHTTP(tb, server)
	return f
}

// routes serves a method of each shape. GET routes are public.
func routes(gw *Gateway, books testpb.LibraryServiceClient) {
	guarded := []string(nil)
	if gw.auth != nil {
		guarded = []string{"books.write"}
	}
	Handle(gw, Route{Method: "POST", Path: "/v1/books", Name: "library.CreateBook", Body: "book", Success: 201, Scopes: guarded}, books.CreateBook)
	Handle(gw, Route{Method: "GET", Path: "/v1/books/:id", Name: "library.GetBook", Public: true}, books.GetBook)
	Handle(gw, Route{Method: "GET", Path: "/v1/books", Name: "library.ListBooks", Public: true}, books.ListBooks)
	Handle(gw, Route{
		Method: "PATCH", Path: "/v1/books/:id", Name: "library.UpdateBook", Body: "book", Mask: "update_mask",
		PathFields: map[string]string{"id": "book.id"}, Scopes: guarded,
	}, books.UpdateBook)
	Handle(gw, Route{Method: "DELETE", Path: "/v1/books/:id", Name: "library.DeleteBook", Scopes: guarded}, books.DeleteBook)
	Handle(gw, Route{Method: "GET", Path: "/v1/kinds", Name: "library.EchoKinds", Public: true}, books.EchoKinds)
	Handle(gw, Route{Method: "POST", Path: "/v1/kinds", Name: "library.EchoKinds", Public: true, Body: "*"}, books.EchoKinds)
}

func serveGRPC(tb testing.TB, l *library) (target string) {
	tb.Helper()
	listener := listen(tb)
	server := grpc.NewServer()
	testpb.RegisterLibraryServiceServer(server, l)
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(listener) })
	tb.Cleanup(func() { server.Stop(); done.Wait() })
	return listener.Addr().String()
}

func serveHTTP(tb testing.TB, server *http.Server) (url string) {
	tb.Helper()
	listener := listen(tb)
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(listener) })
	tb.Cleanup(func() { _ = server.Close(); done.Wait() })
	return "http://" + listener.Addr().String()
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

// runKeys fetches signing keys in the background, as Main does.
func runKeys(tb testing.TB, keys *jwks.Set) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { keys.Run(ctx) })
	tb.Cleanup(func() { cancel(); done.Wait() })
}

// answer is a response, read.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("error is not JSON: %v\n%s", err, a.body)
	}
	if p.Status != a.code || p.Type != "about:blank" || p.Title == "" || p.Detail == "" || p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
		t.Errorf("error body does not fit the response %d, id %s: %s", a.code, a.header.Get("X-Request-Id"), a.body)
	}
	if got := a.header.Get("Content-Type"); got != problemType {
		t.Errorf("an error of the type %q", got)
	}
	return p
}

// do sends a request; headers are "Name: value".
func (f *fixture) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader = http.NoBody
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Content-Type" {
			req.Header.Set(name, value)
			continue
		}
		req.Header.Add(name, value)
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{code: res.StatusCode, header: res.Header, body: string(text)}
}
