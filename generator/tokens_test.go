package generator_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shopWith is the shop with a section security.
func shopWith(t *testing.T, section string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), "\nsecurity:")
	return system(t, load(t, before+"\nsecurity: "+section+"\n"))
}

// Who proves what, and by which secret, is the declared edges, with certificates and without.
func TestServiceAuth(t *testing.T) {
	for section, c := range map[string]struct{ orders, pricing, gateway string }{
		"{mtls: {mode: strict}, serviceAuth: jwt}": {
			`service.Trust{Mode: mtls.Strict, Callers: callers, Auth: token.JWT(token.Edges{Calls: true, Callers: []string{"gateway"}})}`,
			`service.Trust{Mode: mtls.Strict, Callers: callers, Auth: token.JWT(token.Edges{Callers: []string{"orders"}})}`,
			`service.Trust{Mode: mtls.Strict, Auth: token.JWT(token.Edges{Calls: true})}`,
		},
		"{serviceAuth: jwt}": {
			`service.Trust{Callers: callers, Auth: token.JWT(token.Edges{Calls: true, Callers: []string{"gateway"}})}`,
			`service.Trust{Callers: callers, Auth: token.JWT(token.Edges{Callers: []string{"orders"}})}`,
			`service.Trust{Auth: token.JWT(token.Edges{Calls: true})}`,
		},
		"{serviceAuth: oauth2}": {
			`service.Trust{Callers: callers, Auth: token.OAuth2(token.Edges{Calls: true, Callers: []string{"gateway"}})}`,
			`service.Trust{Callers: callers, Auth: token.OAuth2(token.Edges{Callers: []string{"orders"}})}`,
			`service.Trust{Auth: token.OAuth2(token.Edges{Calls: true})}`,
		},
	} {
		files := shopWith(t, section)
		for file, want := range map[string]string{
			"services/orders/internal/gen/main.go":  c.orders,
			"services/pricing/internal/gen/main.go": c.pricing,
			"gateway/main.go":                       c.gateway,
		} {
			if !strings.Contains(string(files[file]), want) {
				t.Errorf("%s: %s does not hold %s", section, file, want)
			}
		}
		if got := string(files["services/pricing/internal/gen/access.go"]); !strings.Contains(got, `PricingService_QuoteOrder_FullMethodName: {"orders"}`) {
			t.Errorf("%s: the callers of pricing: %s", section, got)
		}
	}
	if got := string(shopWith(t, "{mtls: {mode: strict}}")["services/orders/internal/gen/main.go"]); strings.Contains(got, "token") {
		t.Error("tokens that nobody asked for")
	}
}

func TestTokenKeys(t *testing.T) {
	files := shopWith(t, "{mtls: {mode: strict}, serviceAuth: jwt}")
	var keys issuer
	decode(t, files, "deploy/k8s/base/tokens.yaml", &keys)
	for pod, signs := range map[string]bool{"orders": true, "gateway": true, "pricing": false, "history": false} {
		file := "deploy/k8s/base/" + pod + "/token.yaml"
		if _, ok := files[file]; ok != signs {
			t.Errorf("%s exists: %v", file, ok)
		}
		container := manifests(t, files, pod).deployment.Spec.Template.Spec.Containers[0]
		mounted := false
		for _, m := range container.VolumeMounts {
			mounted = mounted || m.Name == "token" && m.MountPath == "/token" && m.ReadOnly
		}
		named := false
		for _, e := range container.Env {
			named = named || e.Name == "TOKEN_KEY_FILE" && e.Value == "/token/tls.key"
		}
		if mounted != signs || named != signs {
			t.Errorf("%s: its key is mounted: %v, and named: %v", pod, mounted, named)
		}
		if !signs {
			continue
		}
		var c certificate
		decode(t, files, file, &c)
		if k := c.Spec.PrivateKey; k.Algorithm != "Ed25519" || k.Encoding != "PKCS8" || k.RotationPolicy != "Always" ||
			c.Spec.SecretName != pod+"-token" || c.Spec.IssuerRef.Name != keys.Name || c.Spec.RenewBefore.Duration >= c.Spec.Duration.Duration {
			t.Errorf("%s: %+v", pod, c.Spec)
		}
	}
	// Callees fetch their callers' keys, and nobody else gets to the operations endpoints.
	for pod, c := range map[string]struct{ to, from []string }{
		"pricing": {[]string{"orders"}, nil}, "orders": {[]string{"gateway"}, []string{"pricing"}},
		"gateway": {nil, []string{"orders", "inventory", "history"}}, "payments": {nil, nil},
	} {
		policy := manifests(t, files, pod).policy.Spec
		got := map[string]bool{}
		for _, rule := range policy.Egress {
			open(got, rule.To, rule.Ports)
		}
		for _, rule := range policy.Ingress {
			into := map[string]bool{}
			open(into, rule.From, rule.Ports)
			for who := range into {
				if strings.HasSuffix(who, "at ops") {
					got["from "+who] = true
				}
			}
		}
		want := map[string]bool{"from namespace monitoring at ops": true}
		for _, p := range c.to {
			want["pod "+p+" at 9100"] = true
		}
		for _, p := range c.from {
			want["from pod "+p+" at ops"] = true
		}
		for who := range got {
			if !strings.HasSuffix(who, "at ops") && !strings.HasSuffix(who, "at 9100") {
				delete(got, who)
			}
		}
		same(t, "the keys of "+pod, got, want)
	}
}

// What the script makes for a machine is a key that Go reads, one for each process that calls, and it stays when it is run again.
func TestKeysOfThisMachine(t *testing.T) {
	for section, file := range map[string]string{"{mtls: {mode: strict}, serviceAuth: jwt}": "tls.key", "{mtls: {mode: strict}, serviceAuth: oauth2}": "client-secret"} {
		files := shopWith(t, section)
		dir := t.TempDir()
		script := filepath.Join(dir, "secrets.sh")
		if err := os.WriteFile(script, files["deploy/compose/secrets.sh"], 0o600); err != nil {
			t.Fatal(err)
		}
		made := map[string]string{}
		for range 2 {
			if out, err := exec.Command("sh", script).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			entries, err := os.ReadDir(filepath.Join(dir, "keys"))
			if err != nil || len(entries) != 2 {
				t.Fatalf("keys of %v, %v; want those of orders and the gateway", entries, err)
			}
			for _, e := range entries {
				text, err := os.ReadFile(filepath.Join(dir, "keys", e.Name(), file))
				if err != nil {
					t.Fatal(err)
				}
				if made[e.Name()] != "" && made[e.Name()] != string(text) {
					t.Errorf("the key of %s was made anew", e.Name())
				}
				made[e.Name()] = string(text)
			}
		}
		if made["orders"] == made["gateway"] || len(made["orders"]) < 32 {
			t.Errorf("%s: %d bytes, or one for two", file, len(made["orders"]))
		}
		info, err := os.Stat(filepath.Join(dir, "keys"))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may look into the folder of the keys: %v, %v", info.Mode(), err)
		}
		if file == "tls.key" {
			block, _ := pem.Decode([]byte(made["orders"]))
			if block == nil {
				t.Fatalf("no PEM: %s", made["orders"])
			}
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if _, ok := key.(ed25519.PrivateKey); !ok || err != nil {
				t.Errorf("a %T, %v", key, err)
			}
		}
		vault := strings.Count(string(files["deploy/k8s/overlays/prod/external-secrets.yaml"]), "secretKey: client-secret")
		if want := map[string]int{"tls.key": 0, "client-secret": 2}[file]; vault != want {
			t.Errorf("%s: %d secrets of clients come from a vault, want %d", section, vault, want)
		}
		if !strings.Contains(string(files[".gitignore"]), "\n/deploy/compose/keys/\n") {
			t.Error("git does not ignore the keys")
		}
		compose := string(files["deploy/compose/compose.yaml"])
		if n := strings.Count(compose, "target: /token, read_only: true}"); n != 2 {
			t.Errorf("mounted %d times, want for orders and the gateway", n)
		}
	}
}
