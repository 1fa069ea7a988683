//go:build unix

package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/msgen-dev/msgen/templates/platform/gateway/internal/testpb"
)

// BenchmarkGateway measures the whole chain (trace, metrics, log, CORS, limits, RS256 token, JSON to gRPC) beside a bare
// httputil.ReverseProxy, tuned, before an HTTP service. They take turns in every iteration, so that all see the same
// noise. "ratio" compares with a service that reads and writes the JSON, the same job from end to end; "ratio-bare" with
// one that answers fixed bytes, so that the proxy's side is spared all that work. "cpu-ratio" and "cpu-ratio-bare" compare processor time
// of client, gateway and service together, which other load on the machine does not change.
func BenchmarkGateway(b *testing.B) {
	is := newIssuer(b)
	traces := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.1))))
	f := serve(b, setup{discard: true, tracer: traces.Tracer("gateway"), opts: Options{
		JWT:       is.opts(),
		CORS:      &CORS{Origins: []string{"https://shop.example.com"}},
		RateLimit: RateLimit{Requests: 1e9, Per: time.Second, By: byClient},
	}})
	f.waitKeys(b)
	token := is.token(b, jwt.SigningMethodRS256, "rsa", is.claims())
	proxy, bare := startProxy(b, echoBook), startProxy(b, fixedBook)

	const clients, requests = 16, 512
	client := &http.Client{Transport: tuned(clients)}
	b.Cleanup(client.CloseIdleConnections)
	round := func(target string) cost {
		begin, cpu := time.Now(), processorTime(b)
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range requests / clients {
					if err := post(client, target+"/v1/books", token); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		return cost{time.Since(begin), processorTime(b) - cpu}
	}
	round(f.url) // connections and caches
	round(proxy)
	round(bare)
	var ours, theirs, barely cost
	for b.Loop() {
		ours.add(round(f.url))
		theirs.add(round(proxy))
		barely.add(round(bare))
	}
	total := float64(requests * b.N)
	b.ReportMetric(total/ours.wall.Seconds(), "gateway-req/s")
	b.ReportMetric(total/theirs.wall.Seconds(), "proxy-req/s")
	b.ReportMetric(theirs.wall.Seconds()/ours.wall.Seconds(), "ratio")
	b.ReportMetric(barely.wall.Seconds()/ours.wall.Seconds(), "ratio-bare")
	b.ReportMetric(ours.cpu.Seconds()/total*1e6, "gateway-cpu-µs")
	b.ReportMetric(theirs.cpu.Seconds()/ours.cpu.Seconds(), "cpu-ratio")
	b.ReportMetric(barely.cpu.Seconds()/ours.cpu.Seconds(), "cpu-ratio-bare")
}

// cost is what a round takes.
type cost struct{ wall, cpu time.Duration }

func (c *cost) add(o cost) { c.wall, c.cpu = c.wall+o.wall, c.cpu+o.cpu }

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

var benchmarkBody = []byte(`{"title":"Persuasion","genre":"GENRE_NOVEL","pages":"249","published":"1817-12-20T00:00:00Z"}`)

func post(client *http.Client, target, token string) error {
	req, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(benchmarkBody)) //nolint:noctx // ends with the benchmark
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusCreated {
		return http.ErrNotSupported
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// echoBook does in plain HTTP and JSON what the library does in gRPC.
func echoBook(w http.ResponseWriter, r *http.Request) {
	book := &testpb.Book{}
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = protojson.Unmarshal(text, book)
	}
	book.Id = "new:"
	out, merr := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(book)
	if err != nil || merr != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(out)
}

func fixedBook(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(benchmarkBody)
}

// startProxy serves a ReverseProxy before a service.
func startProxy(b *testing.B, serve http.HandlerFunc) string {
	service := serveHTTP(b, &http.Server{ReadHeaderTimeout: time.Second, Handler: serve})
	target, err := url.Parse(service)
	if err != nil {
		b.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:  tuned(64),
		BufferPool: &buffers{},
	}
	return serveHTTP(b, &http.Server{Handler: proxy, ReadHeaderTimeout: time.Second})
}

// tuned is a transport that keeps its connections: the default keeps two, and dials anew for all others.
func tuned(conns int) *http.Transport {
	return &http.Transport{MaxIdleConns: conns, MaxIdleConnsPerHost: conns, MaxConnsPerHost: conns, DisableCompression: true}
}

// buffers implements httputil.BufferPool.
type buffers struct{ pool sync.Pool }

func (p *buffers) Get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (p *buffers) Put(b []byte) { p.pool.Put(&b) }
