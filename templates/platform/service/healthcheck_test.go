package service

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	ops := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("failing: postgres"))
	}))
	defer ops.Close()
	addr := strings.TrimPrefix(ops.URL, "http://127.0.0.1") // ":port", as the process itself listens

	t.Setenv("OPS_ADDR", addr)
	var out bytes.Buffer
	if code, asked := Healthcheck([]string{"app", "healthcheck"}, &out, "orders", Trust{}); code != 0 || !asked {
		t.Errorf("a ready process: code %d, asked %v: %s", code, asked, &out)
	}
	status = http.StatusServiceUnavailable
	if code, asked := Healthcheck([]string{"app", "healthcheck"}, &out, "orders", Trust{}); code != 1 || !asked || !strings.Contains(out.String(), "postgres") {
		t.Errorf("a process that is not ready: code %d, asked %v: %s", code, asked, &out)
	}
	ops.Close()
	if code, _ := Healthcheck([]string{"app", "healthcheck"}, &out, "orders", Trust{}); code != 1 {
		t.Errorf("no process: code %d", code)
	}
	t.Setenv("OPS_ADDR", "nowhere")
	if code, _ := Healthcheck([]string{"app", "healthcheck"}, &out, "orders", Trust{}); code != 1 {
		t.Errorf("no address: code %d", code)
	}
}

func TestHealthcheckOnlyWhenAsked(t *testing.T) {
	for _, args := range [][]string{nil, {"app"}, {"app", "-test.v"}, {"app", "healthcheck", "now"}} {
		if code, asked := Healthcheck(args, nil, "orders", Trust{}); code != 0 || asked {
			t.Errorf("%q: code %d, asked %v", args, code, asked)
		}
	}
}
