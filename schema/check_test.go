package schema

import (
	"strings"
	"testing"
	"time"
)

func TestCheckModule(t *testing.T) {
	for _, good := range []string{"example.com/shop", "github.com/acme/shop/v2", "example.com/a-b_c.d"} {
		if err := CheckModule(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "shop", "../x", "/abs", "example.com/a b", "example.com/internal/x", "example.com//x", "github.com/msgen-dev/msgen", "fmt", "example.com/x\\y"} {
		if CheckModule(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestCheckNames(t *testing.T) {
	for name, want := range map[string]string{
		"shop": "", "order-history": "", "s3": "",
		"../../x": "such as x", "9lives": "such as lives", "type": "such as type-service", "my service": "such as my-service",
		"gateway": "such as gateway-service", "Orders": "such as orders", "": "such as my-service", "-": "such as my-service",
	} {
		err := FormService.Check(name)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
	if err := CheckSystemName("gateway"); err != nil {
		t.Errorf("a system may be called gateway: %v", err)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "3s": 3 * time.Second, "2m": 2 * time.Minute, "24h": 24 * time.Hour, "30d": 720 * time.Hour, "0s": 0} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "3", "s", "-1s", "1.5s", "1h30m", "3 s", "3S", "9999999999s", "999999999d", "3w"} {
		if got, err := ParseDuration(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	for text, d := range map[string]time.Duration{"30d": 720 * time.Hour, "36h": 36 * time.Hour, "90s": 90 * time.Second, "1500ms": 1500 * time.Millisecond, "0s": 0} {
		if got := FormatDuration(d); got != text {
			t.Errorf("%v is written %s, want %s", d, got, text)
		}
	}
}

func TestParseType(t *testing.T) {
	for _, text := range []string{"string", "[]OrderLine", "map<string, int32>", "enum(new, paid)", "uuid", "[]enum(a, b)", "map<int64, Line>"} {
		got, err := ParseType(text)
		if err != nil || got.String() != text {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	if a, _ := ParseType("map<string,int32>"); a.String() != "map<string, int32>" {
		t.Errorf("got %s", a)
	}
	for _, bad := range []string{"", "[]", "map<>", "map<string>", "enum", "enum(", "enum()", "[][]string", "map<uuid, string>", "Order_Line", "line", "map<string, map<string, string>>"} {
		if got, err := ParseType(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// The protocol's figures: 3000 ms, 50 %, 60 000 ms; a second policy takes what it leaves out from the first.
func TestPolicies(t *testing.T) {
	s, list := Load("x.yaml", []byte("apiVersion: msgen/v1\nsystem: shop\nservices: {}\nresilience:\n  patient: {timeout: 9s}\n  standard: {circuitBreaker: {errorThreshold: 30%}}\n"))
	if len(list) > 0 {
		t.Fatal(renderList(t, list))
	}
	patient, standard := s.Resilience[0], s.Resilience[1]
	if patient.Timeout.V != 9*time.Second || patient.Breaker.ErrorThreshold.V != 30 || patient.Breaker.Reset.V != time.Minute || patient.Bulkhead.V != 64 {
		t.Errorf("patient: %+v", patient)
	}
	if standard.Timeout.V != 3*time.Second || standard.Retry.Policy.V != "exponential" || standard.Retry.MaxRetries.V != 2 || standard.Retry.Jitter.V != "full" {
		t.Errorf("standard: %+v", standard)
	}
}

func TestReadFile(t *testing.T) {
	s, list, err := ReadFile("../testdata/specs/minimal.yaml")
	if err != nil || len(list) > 0 || s.System.V != "notebook" || s.File.Name != "../testdata/specs/minimal.yaml" {
		t.Errorf("got %v, %v, %v", s, list, err)
	}
	if _, _, err := ReadFile("../testdata/specs/none.yaml"); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func TestIsQuestion(t *testing.T) {
	for name, want := range map[string]bool{"Get": true, "GetRate": true, "Quote2": true, "Getter": false, "Charge": false, "Authorise": false, "Checkout": false, "": false} {
		if IsQuestion(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
