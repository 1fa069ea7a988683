package localca

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func testAuthority(t *testing.T) Authority {
	t.Helper()
	return Authority{Dir: filepath.Join(t.TempDir(), "certs"), Domain: "shop", Namespace: "prod", Lifetime: 24 * time.Hour, Names: []string{"orders", "gateway"}}
}

func TestEnsure(t *testing.T) {
	a, now := testAuthority(t), time.Now()
	if err := a.Check(now); err == nil {
		t.Error("an empty folder is good")
	}
	for _, step := range []struct {
		at   time.Duration
		want string
	}{{0, "orders gateway"}, {time.Hour, ""}, {15 * time.Hour, ""}, {16*time.Hour + time.Minute, "orders gateway"}, {17 * time.Hour, ""}} {
		made, err := a.Ensure(now.Add(step.at))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(made, " "); got != step.want {
			t.Errorf("after %s: made %q, want %q", step.at, got, step.want)
		}
		if err := a.Check(now.Add(step.at)); err != nil {
			t.Errorf("after %s: %v", step.at, err)
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.Dir, "orders", "tls.crt"), filepath.Join(a.Dir, "orders", "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(filepath.Join(a.Dir, "orders", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now.Add(17 * time.Hour), KeyUsages: []x509.ExtKeyUsage{usage}, DNSName: "orders"}); err != nil {
			t.Error(err)
		}
	}
	if len(pair.Leaf.URIs) != 1 || pair.Leaf.URIs[0].String() != "spiffe://shop/ns/prod/sa/orders" {
		t.Errorf("the ID is %v", pair.Leaf.URIs)
	}
}

// Whatever is wrong with a process's files, they are made anew; those of the authority are for a person.
func TestEnsureMendsProcesses(t *testing.T) {
	a := testAuthority(t)
	if _, err := a.Ensure(time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func() error{
		func() error { return os.Remove(filepath.Join(a.Dir, "orders", "tls.crt")) },
		func() error { return os.WriteFile(filepath.Join(a.Dir, "orders", "tls.key"), []byte("half"), 0o600) },
		func() error {
			return os.Rename(filepath.Join(a.Dir, "gateway", "tls.crt"), filepath.Join(a.Dir, "orders", "tls.crt"))
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if made, err := a.Ensure(time.Now()); err != nil || len(made) == 0 || made[0] != "orders" {
			t.Errorf("made %v, %v", made, err)
		}
	}
	if err := os.WriteFile(filepath.Join(a.Dir, caName, "tls.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ensure(time.Now()); err == nil || !strings.Contains(err.Error(), "authority") {
		t.Errorf("a spoilt authority: %v", err)
	}
}

func TestMainFlags(t *testing.T) {
	a := testAuthority(t)
	for _, c := range []struct {
		args string
		code int
		out  string
	}{
		{"-dir DIR -check", 1, "no such file"},
		{"-dir DIR", 0, "made a certificate for orders, good for 24h0m0s"},
		{"-dir DIR", 0, ""},
		{"-dir DIR -check", 0, ""},
		{"-owner root", 2, `"root" is no user id`},
		{"-owner orders=-1", 2, `"-1" is no user id`},
		{"now", 2, ""},
		{"-help", 0, "-watch"},
	} {
		var out bytes.Buffer
		code := Main(append([]string{"localca"}, strings.Fields(strings.ReplaceAll(c.args, "DIR", a.Dir))...), &out, a)
		if code != c.code || !strings.Contains(out.String(), c.out) || c.code == 0 && c.out == "" && out.Len() > 0 {
			t.Errorf("%s: exit %d, %q", c.args, code, out.String())
		}
	}
}
