package generator_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// certificate and issuer are the parts of cert-manager's resources that are generated (its API reference, cert-manager.io/v1). Its module would
// bring in more than the rest of msgen together.
type certificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		IsCA        bool            `json:"isCA"`
		CommonName  string          `json:"commonName"`
		SecretName  string          `json:"secretName"`
		Duration    metav1.Duration `json:"duration"`
		RenewBefore metav1.Duration `json:"renewBefore"`
		URIs        []string        `json:"uris"`
		DNSNames    []string        `json:"dnsNames"`
		Usages      []string        `json:"usages"`
		PrivateKey  struct {
			Algorithm      string `json:"algorithm"`
			Size           int    `json:"size"`
			Encoding       string `json:"encoding"`
			RotationPolicy string `json:"rotationPolicy"`
		} `json:"privateKey"`
		IssuerRef struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"issuerRef"`
	} `json:"spec"`
}

type issuer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		SelfSigned *struct{} `json:"selfSigned"`
		CA         *struct {
			SecretName string `json:"secretName"`
		} `json:"ca"`
	} `json:"spec"`
}

// Every pod has a certificate with its own identity, which the process can read (PKCS #8) and which comes with a new key before it ends.
func TestCertificates(t *testing.T) {
	text, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), "\nsecurity:")
	spec := load(t, before+"\nsecurity: {mtls: {mode: strict, rotation: 24h}}\n")
	files := system(t, spec)
	var root, ca issuer
	var authority, scraper certificate
	decode(t, files, "deploy/k8s/base/certificates.yaml", &root, &authority, &ca, &scraper)
	if root.Spec.SelfSigned == nil || !authority.Spec.IsCA || authority.Spec.IssuerRef.Name != root.Name || ca.Spec.CA.SecretName != authority.Spec.SecretName {
		t.Errorf("the authority is not whole: %+v %+v %+v", root, authority, ca)
	}
	certificates := map[string]certificate{"prometheus": scraper}
	for _, pod := range pods(spec) {
		var c certificate
		decode(t, files, "deploy/k8s/base/"+pod+"/certificate.yaml", &c)
		certificates[pod] = c
	}
	for name, c := range certificates {
		if want := []string{"spiffe://shop/ns/shop/sa/" + name}; !slices.Equal(c.Spec.URIs, want) {
			t.Errorf("%s is %v, want %v", name, c.Spec.URIs, want)
		}
		checks := map[string]bool{
			"its own secret":                c.Spec.SecretName == name+"-tls",
			"the life that was asked":       c.Spec.Duration.Duration == 24*time.Hour,
			"renewed in time":               c.Spec.RenewBefore.Duration == 8*time.Hour,
			"no authority":                  !c.Spec.IsCA,
			"signed by ours":                c.Spec.IssuerRef.Name == ca.Name,
			"a key that can be read":        c.Spec.PrivateKey.Encoding == "PKCS8",
			"a new key each time":           c.Spec.PrivateKey.RotationPolicy == "Always",
			"a client":                      slices.Contains(c.Spec.Usages, "client auth"),
			"a server unless it only reads": slices.Contains(c.Spec.Usages, "server auth") == (name != "prometheus"),
		}
		for what, ok := range checks {
			if !ok {
				t.Errorf("%s: not so: %s: %+v", name, what, c.Spec)
			}
		}
	}
}

// Each key of the section changes what is generated, and each mode is another system.
func TestModes(t *testing.T) {
	text, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), "\nsecurity:")
	for section, c := range map[string]struct {
		file, has, hasNot string
	}{
		"{mtls: {mode: strict}}":                    {"services/orders/internal/gen/main.go", "Mode: mtls.Strict, Callers: callers", "mtls.Permissive"},
		"{mtls: {mode: permissive}}":                {"services/orders/internal/gen/main.go", "Mode: mtls.Permissive, Callers: callers", "mtls.Strict"},
		"{mtls: {mode: off}}":                       {"services/orders/internal/gen/main.go", "service.Main", "mtls"},
		"{mtls: {rotation: 12h}}":                   {"cmd/localca/main.go", "12 * time.Hour", "24"},
		"{mtls: {mode: permissive, rotation: 12h}}": {"deploy/prometheus/prometheus.yml", "job_name", "https"},
		"{mtls: {mode: strict, rotation: 12h}}":     {"deploy/k8s/base/orders/certificate.yaml", "duration: 12h0m0s\n  renewBefore: 4h0m0s", "24h"},
	} {
		files := system(t, load(t, before+"\nsecurity: "+section+"\n"))
		got := string(files[c.file])
		if !strings.Contains(got, c.has) || strings.Contains(got, c.hasNot) {
			t.Errorf("%s: %s should hold %q and not %q:\n%s", section, c.file, c.has, c.hasNot, got)
		}
	}
}
