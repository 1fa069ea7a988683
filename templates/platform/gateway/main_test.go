package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/msgen-dev/msgen/templates/platform/gateway/internal/testpb"
)

const (
	asMain  = "GATEWAY_TEST_AS_MAIN"
	withJWT = "GATEWAY_TEST_JWT"
)

// TestMain runs Main instead of the tests when a test started this binary as a gateway.
func TestMain(m *testing.M) {
	if os.Getenv(asMain) == "" {
		os.Exit(m.Run())
	}
	opts := Options{Name: "gateway", Grace: 10 * time.Second, Sampling: 1, Logs: "json"}
	if os.Getenv(withJWT) != "" {
		opts.JWT = &JWT{Issuer: "https://id.example.com", Audience: "shop", JWKS: "https://id.example.com/keys"}
	}
	os.Exit(Main(opts, func(_ context.Context, gw *Gateway) error {
		conn, err := gw.Dial("library", "dns:///library:9000")
		if err != nil {
			return err
		}
		routes(gw, testpb.NewLibraryServiceClient(conn))
		return nil
	}))
}

// command is this binary as a gateway.
func command(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asMain+"=1", "HTTP_ADDR=127.0.0.1:0", "OPS_ADDR=127.0.0.1:0")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// process is a started gateway and what it logged.
type process struct {
	cmd         *exec.Cmd
	lines       *bufio.Scanner
	logs        strings.Builder
	public, ops fixture
}

// startProcess returns when the process serves.
func startProcess(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{cmd: command(t, env...)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	for (p.public.url == "" || p.ops.url == "") && p.lines.Scan() {
		p.logs.WriteString(p.lines.Text() + "\n")
		var entry struct{ HTTP, Ops string }
		if err := json.Unmarshal(p.lines.Bytes(), &entry); err != nil {
			t.Fatalf("log is no JSON: %s", p.lines.Text())
		}
		if entry.HTTP != "" {
			p.public.url = "http://" + entry.HTTP
		}
		if entry.Ops != "" {
			p.ops.url = "http://" + entry.Ops
		}
	}
	if p.public.url == "" || p.ops.url == "" {
		t.Fatalf("not serving: %s", p.logs.String())
	}
	return p
}

// waitReady returns when the probe says so: a check's answer holds for a while.
func (p *process) waitReady(t *testing.T) {
	t.Helper()
	for p.ops.do(t, "GET", "/readyz", "").code != 200 {
		time.Sleep(10 * time.Millisecond)
	}
}

// wait returns how the process ended.
func (p *process) wait() error {
	for p.lines.Scan() {
		p.logs.WriteString(p.lines.Text() + "\n")
	}
	return p.cmd.Wait()
}

func TestProcess(t *testing.T) {
	l := &library{}
	p := startProcess(t, "LIBRARY_TARGET="+serveGRPC(t, l))
	if got := p.public.do(t, "GET", "/v1/books/b1", "", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Baggage: user=root"); got.code != 200 {
		t.Errorf("got %d %s", got.code, got.body)
	}
	md := l.metadata()
	if parent := md.Get("traceparent"); len(parent) != 1 || !strings.Contains(parent[0], "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("the service saw the trace %v", parent)
	}
	if md.Get("baggage") != nil {
		t.Errorf("the client's baggage was passed on: %v", md)
	}
	p.waitReady(t)
	for path, want := range map[string]string{"/healthz": "ok", "/metrics": `http_server_requests_total{code="200",method="GET",route="/v1/books/:id"} 1`} {
		if got := p.ops.do(t, "GET", path, ""); got.code != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}

	// A request in flight is answered after SIGTERM, while readiness is off and liveness is not.
	entered, release := make(chan struct{}), make(chan struct{})
	l.failWith(func(context.Context) error { close(entered); <-release; return nil })
	answered := make(chan answer, 1)
	go func() { answered <- p.public.do(t, "GET", "/v1/books/b1", "") }()
	<-entered
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for p.ops.do(t, "GET", "/readyz", "").code != 503 {
		time.Sleep(time.Millisecond)
	}
	if got := p.ops.do(t, "GET", "/healthz", ""); got.code != 200 {
		t.Errorf("liveness while draining: %d", got.code)
	}
	close(release)
	if got := <-answered; got.code != 200 {
		t.Errorf("request in flight: %d %s", got.code, got.body)
	}
	if err := p.wait(); err != nil {
		t.Errorf("exit: %v\n%s", err, p.logs.String())
	}
	if !strings.Contains(p.logs.String(), `"trace_id":"0af7651916cd43dd8448eb211c80319c"`) {
		t.Errorf("no trace id in the log:\n%s", p.logs.String())
	}
}

func TestProcessIsNotReadyWithoutKeys(t *testing.T) {
	is := newIssuer(t)
	is.set(func() { is.down = true })
	p := startProcess(t, "LIBRARY_TARGET="+serveGRPC(t, &library{}), withJWT+"=1", "JWT_ISSUER="+is.url, "JWT_JWKS_URL="+is.url)
	if got := p.ops.do(t, "GET", "/readyz", ""); got.code != 503 || !strings.Contains(got.body, "signing keys") {
		t.Errorf("readyz: %d %s", got.code, got.body)
	}
	if got := p.public.do(t, "GET", "/v1/books/b1", ""); got.code != 200 { // public
		t.Errorf("got %d %s", got.code, got.body)
	}
	is.set(func() { is.down = false })
	p.waitReady(t)
	token := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims())
	if got := p.public.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+token); got.code != 201 {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Errorf("exit: %v\n%s", err, p.logs.String())
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	for env, says := range map[string]string{
		"TRUSTED_PROXIES=everyone":  "trusted proxies",
		"SHUTDOWN_GRACE=soon":       "SHUTDOWN_GRACE",
		"HTTP_ADDR=127.0.0.1:99999": "HTTP_ADDR",
	} {
		out, err := command(t, env).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), says) {
			t.Errorf("%s: %v, %s", env, err, out)
		}
	}
}

func TestDrainHasAnEnd(t *testing.T) {
	f := serve(t, setup{opts: Options{Grace: 20 * time.Millisecond, Timeout: time.Minute}})
	entered := make(chan struct{})
	f.library.failWith(func(ctx context.Context) error { close(entered); <-ctx.Done(); return ctx.Err() })
	ctx, stop := context.WithCancel(t.Context())
	listener, done := listen(t), make(chan error, 1)
	go func() { done <- f.gateway.serve(ctx, f.gateway.server(), listener) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/v1/books/b1", nil)
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		cut <- err
	}()
	<-entered
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v", err)
	}
	if err := <-cut; err == nil {
		t.Error("the request was answered")
	}
}

func TestEnvironmentMovesAuthentication(t *testing.T) {
	spec := Options{JWT: &JWT{Issuer: "i", Audience: "a", JWKS: "https://id.example.com/keys"}}
	cfg := config{Issuer: "other", JWKS: "http://idp:8080/keys"}
	got := cfg.override(spec)
	if want := (JWT{Issuer: "other", Audience: "a", JWKS: "http://idp:8080/keys"}); *got.JWT != want {
		t.Errorf("got %+v", *got.JWT)
	}
	if cfg.override(Options{}).JWT != nil {
		t.Error("authentication out of nowhere")
	}
}
