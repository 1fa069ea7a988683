package service

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

const (
	healthcheckCommand = "healthcheck"
	healthcheckTimeout = 2 * time.Second
)

// Healthcheck answers for a process that was started with the argument "healthcheck" instead of being run: whether the process beside it,
// with the same environment, is ready. It is for container engines that probe by a command, in images without a shell. args are the
// process's, the program's name first; name is the service's. asked is false when they do not ask for it; code is the exit code, 0 for
// ready. What is wrong goes to out.
func Healthcheck(args []string, out io.Writer, name string, trust Trust) (code int, asked bool) {
	if len(args) != 2 || args[1] != healthcheckCommand {
		return 0, false
	}
	if err := healthcheck(name, trust); err != nil {
		_, _ = fmt.Fprintln(out, err) // nobody may be reading
		return 1, true
	}
	return 0, true
}

func healthcheck(name string, trust Trust) error {
	var cfg struct {
		OpsAddr string `env:"OPS_ADDR" envDefault:":9100"`
		TLS     mtls.Config
	}
	if err := LoadEnv(&cfg); err != nil {
		return err
	}
	if trust.Mode != mtls.Strict {
		return askReady("http://", cfg.OpsAddr, http.DefaultTransport)
	}
	source, err := mtls.Open(cfg.TLS, name, mtls.Options{})
	if err != nil {
		return err
	}
	return askReady("https://", cfg.OpsAddr, &http.Transport{TLSClientConfig: source.Client(name)})
}

// askReady fails unless the operations endpoint at addr says that the process is ready.
func askReady(scheme, addr string, transport http.RoundTripper) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("OPS_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on every address
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("OPS_ADDR: %w", err)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", res.Status, body)
	}
	return nil
}
