package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestStatusMapping(t *testing.T) {
	f := serve(t, setup{})
	for code, want := range map[codes.Code]struct {
		http   int
		status string
		hidden bool
	}{
		codes.Canceled:           {499, "CANCELLED", true},
		codes.Unknown:            {500, "UNKNOWN", true},
		codes.InvalidArgument:    {400, "INVALID_ARGUMENT", false},
		codes.DeadlineExceeded:   {504, "DEADLINE_EXCEEDED", true},
		codes.NotFound:           {404, "NOT_FOUND", false},
		codes.AlreadyExists:      {409, "ALREADY_EXISTS", false},
		codes.PermissionDenied:   {403, "PERMISSION_DENIED", false},
		codes.ResourceExhausted:  {429, "RESOURCE_EXHAUSTED", false},
		codes.FailedPrecondition: {400, "FAILED_PRECONDITION", false},
		codes.Aborted:            {409, "ABORTED", false},
		codes.OutOfRange:         {400, "OUT_OF_RANGE", false},
		codes.Unimplemented:      {501, "UNIMPLEMENTED", false},
		codes.Internal:           {500, "INTERNAL", true},
		codes.Unavailable:        {503, "UNAVAILABLE", true},
		codes.DataLoss:           {500, "DATA_LOSS", true},
		codes.Unauthenticated:    {401, "UNAUTHENTICATED", false},
	} {
		f.library.failWith(func(context.Context) error { return status.Error(code, "password is hunter2") })
		got := f.do(t, "GET", "/v1/books/b1", "")
		info := got.problem(t)
		if got.code != want.http || info.Code != want.status {
			t.Errorf("%v: %d %s", code, got.code, info.Code)
		}
		if hidden := !strings.Contains(got.body, "hunter2"); hidden != want.hidden {
			t.Errorf("%v: %s", code, got.body)
		}
	}
	if !strings.Contains(f.logs.String(), "hunter2") {
		t.Error("the cause is not in the log")
	}
	f.library.failWith(func(context.Context) error { return errors.New("no status") })
	if got := f.do(t, "GET", "/v1/books/b1", ""); got.code != 500 || strings.Contains(got.body, "no status") {
		t.Errorf("got %d %s", got.code, got.body)
	}
}

func TestDetails(t *testing.T) {
	f := serve(t, setup{})
	f.library.failWith(func(context.Context) error {
		s, err := status.New(codes.ResourceExhausted, "slow down").WithDetails(
			protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: "QUOTA", Domain: "shop"}),
			protoadapt.MessageV1Of(&errdetails.DebugInfo{Detail: "main.go:1"}),
			protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)}),
		)
		if err != nil {
			return err
		}
		return s.Err()
	})
	got := f.do(t, "GET", "/v1/books/b1", "")
	if got.code != 429 || got.header.Get("Retry-After") != "2" {
		t.Errorf("got %d, retry after %q", got.code, got.header.Get("Retry-After"))
	}
	details, err := json.Marshal(got.problem(t).Details)
	if err != nil {
		t.Fatal(err)
	}
	same(t, string(details), `[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA","domain":"shop"},
		{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500s"}]`)
}

func TestAnswersAreForNobodyElse(t *testing.T) {
	f := serve(t, setup{})
	for _, path := range []string{"/v1/books/b1", "/nowhere"} {
		got := f.do(t, "GET", path, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Strict-Transport-Security": "",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got.header.Get(name), want)
			}
		}
	}
	// A client cannot say that it came by TLS; a trusted proxy can.
	if got := f.do(t, "GET", "/v1/books/b1", "", "X-Forwarded-Proto: https"); got.header.Get("Strict-Transport-Security") != "" {
		t.Error("a client's own X-Forwarded-Proto is believed")
	}
	proxied := serve(t, setup{proxies: []string{"127.0.0.1"}})
	got := proxied.do(t, "GET", "/v1/books/b1", "", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https")
	if got.header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security behind a proxy that ends TLS")
	}
}

func TestPointer(t *testing.T) {
	for field, want := range map[string]string{
		"": "", "total": "/total", "lines[0].unit_price": "/lines/0/unitPrice", `labels["a/b~c"]`: "/labels/a~1b~0c", "a_b.c_d": "/aB/cD",
	} {
		if got := pointer(field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	f := serve(t, setup{opts: Options{Timeout: 50 * time.Millisecond}})
	f.library.failWith(func(ctx context.Context) error {
		<-ctx.Done() // the deadline has come along
		return ctx.Err()
	})
	got := f.do(t, "GET", "/v1/books/b1", "")
	if info := got.problem(t); got.code != 504 || info.Code != "DEADLINE_EXCEEDED" {
		t.Errorf("got %d %s", got.code, got.body)
	}
}

func TestPanic(t *testing.T) {
	f := serve(t, setup{})
	f.gateway.engine.GET("/abort", func(c *gin.Context) { panic(http.ErrAbortHandler) })
	f.gateway.engine.GET("/boom", func(c *gin.Context) { panic("boom") })
	got := f.do(t, "GET", "/boom", "")
	if info := got.problem(t); got.code != 500 || info.Detail != "internal error" {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if log := f.logs.String(); !strings.Contains(log, "boom") || !strings.Contains(log, "errors_test.go") || !strings.Contains(log, `"status":500`) {
		t.Errorf("log: %s", log)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/abort", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Errorf("aborted handler was answered with %d", res.StatusCode)
	}
}
