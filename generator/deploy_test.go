package generator_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
)

var examples = []string{"shop", "minimal"}

// example loads one of the example specs.
func example(t *testing.T, name string) *schema.Spec {
	t.Helper()
	text, err := os.ReadFile("../testdata/specs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return load(t, string(text))
}

func load(t *testing.T, text string) *schema.Spec {
	t.Helper()
	spec, findings := schema.Load("msgen.yaml", []byte(text))
	if findings.HasErrors() {
		t.Fatalf("%v", findings)
	}
	return spec
}

// system renders a spec, by path.
func system(t *testing.T, spec *schema.Spec) map[string][]byte {
	t.Helper()
	files, findings, err := generator.Render(t.Context(), spec, generator.Options{})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	all := make(map[string][]byte, len(files))
	for _, f := range files {
		all[f.Path] = f.Content
	}
	return all
}

// objects are the manifests of one pod, decoded strictly.
type objects struct {
	account    corev1.ServiceAccount
	service    corev1.Service
	deployment appsv1.Deployment
	scaler     autoscalingv2.HorizontalPodAutoscaler
	budget     policyv1.PodDisruptionBudget
	policy     networkingv1.NetworkPolicy
}

func manifests(t *testing.T, files map[string][]byte, pod string) objects {
	t.Helper()
	var o objects
	dir := "deploy/k8s/base/" + pod + "/"
	decode(t, files, dir+"service.yaml", &o.account, &o.service)
	decode(t, files, dir+"deployment.yaml", &o.deployment)
	decode(t, files, dir+"scaling.yaml", &o.scaler, &o.budget)
	decode(t, files, dir+"networkpolicy.yaml", &o.policy)
	return o
}

// decode reads the documents of a file into into, refusing keys that the Kubernetes API does not have.
func decode(t *testing.T, files map[string][]byte, path string, into ...any) {
	t.Helper()
	content, ok := files[path]
	if !ok {
		t.Fatalf("there is no %s", path)
	}
	documents := bytes.Split(content, []byte("\n---\n"))
	if len(documents) != len(into) {
		t.Fatalf("%s has %d documents, want %d", path, len(documents), len(into))
	}
	for i, doc := range documents {
		if err := yaml.UnmarshalStrict(doc, into[i]); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// pods are the names of a spec's processes.
func pods(spec *schema.Spec) []string {
	var names []string
	for _, s := range spec.Services {
		names = append(names, s.Name.V)
	}
	return append(names, "gateway")
}

// volumes are a pod's, each with what it is made of.
func volumes(spec corev1.PodSpec) []string {
	var list []string
	for _, v := range spec.Volumes {
		switch {
		case v.Secret != nil:
			list = append(list, v.Name+" secret "+v.Secret.SecretName)
		case v.ConfigMap != nil:
			list = append(list, v.Name+" config map "+v.ConfigMap.Name)
		default:
			list = append(list, v.Name+" of another kind")
		}
	}
	return list
}

func TestKubernetesHardening(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		_, callees := edges(spec)
		for _, pod := range pods(spec) {
			o := manifests(t, files, pod)
			template := o.deployment.Spec.Template
			container := template.Spec.Containers[0]
			var wantVolumes []string
			scheme := corev1.URIScheme("")
			if spec.Security != nil {
				wantVolumes, scheme = []string{"tls secret " + pod + "-tls", "trust config map " + spec.System.V + "-trust", "signing secret " + spec.System.V + "-signing"}, corev1.URISchemeHTTPS
				if len(callees[pod]) > 0 {
					wantVolumes = slices.Insert(wantVolumes, 2, "token secret "+pod+"-token")
				}
			}
			checks := map[string]bool{
				"one container":                   len(template.Spec.Containers) == 1,
				"not root":                        *template.Spec.SecurityContext.RunAsNonRoot,
				"a user":                          *template.Spec.SecurityContext.RunAsUser >= 10000,
				"seccomp":                         template.Spec.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
				"read-only root":                  *container.SecurityContext.ReadOnlyRootFilesystem,
				"no escalation":                   !*container.SecurityContext.AllowPrivilegeEscalation,
				"no capabilities":                 slices.Equal(container.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}),
				"no token in the pod":             !*template.Spec.AutomountServiceAccountToken,
				"no token in the account":         !*o.account.AutomountServiceAccountToken,
				"its own account":                 template.Spec.ServiceAccountName == o.account.Name && o.account.Name == pod,
				"no host namespaces":              !template.Spec.HostNetwork && !template.Spec.HostPID && !template.Spec.HostIPC,
				"volumes for its identity alone":  slices.Equal(volumes(template.Spec), wantVolumes),
				"starts by the process alone":     container.StartupProbe.HTTPGet.Path == "/healthz",
				"ready when its needs are":        container.ReadinessProbe.HTTPGet.Path == "/readyz",
				"lives by the process alone":      container.LivenessProbe.HTTPGet.Path == "/healthz",
				"probes as it serves":             container.StartupProbe.HTTPGet.Scheme == scheme && container.ReadinessProbe.HTTPGet.Scheme == scheme && container.LivenessProbe.HTTPGet.Scheme == scheme,
				"a CPU request":                   container.Resources.Requests.Cpu().String() == spec.Deployment.Resources.CPU.V,
				"a memory request":                container.Resources.Requests.Memory().String() == spec.Deployment.Resources.Memory.V,
				"a memory limit":                  container.Resources.Limits.Memory().String() == spec.Deployment.Resources.MemoryLimit.V,
				"time to stop":                    float64(*template.Spec.TerminationGracePeriodSeconds) > spec.Deployment.GracePeriod.V.Seconds(),
				"the autoscaler's replicas":       o.deployment.Spec.Replicas == nil,
				"no gap in a rollout":             o.deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() == 0,
				"a tag that an overlay must set":  strings.HasSuffix(container.Image, ":unset"),
				"a budget that lets a node drain": o.budget.Spec.MaxUnavailable.IntValue() == 1,
			}
			for what, ok := range checks {
				if !ok {
					t.Errorf("%s: %s: not so: %s", name, pod, what)
				}
			}
			for _, selector := range []map[string]string{
				o.deployment.Spec.Selector.MatchLabels, o.service.Spec.Selector, o.budget.Spec.Selector.MatchLabels, o.policy.Spec.PodSelector.MatchLabels,
			} {
				if len(selector) != 1 || template.Labels["app.kubernetes.io/name"] != selector["app.kubernetes.io/name"] {
					t.Errorf("%s: %s: a selector %v does not find the pod's labels %v", name, pod, selector, template.Labels)
				}
			}
			if target := o.scaler.Spec.ScaleTargetRef; target.Kind != "Deployment" || target.Name != o.deployment.Name {
				t.Errorf("%s: %s: the autoscaler is for %v", name, pod, target)
			}
		}
	}
}

func TestKubernetesScaling(t *testing.T) {
	spec := example(t, "shop")
	files := system(t, spec)
	for _, s := range spec.Services {
		got := manifests(t, files, s.Name.V).scaler.Spec
		if int(*got.MinReplicas) != s.Scaling.Min.V || int(got.MaxReplicas) != s.Scaling.Max.V ||
			int(*got.Metrics[0].Resource.Target.AverageUtilization) != s.Scaling.CPU.V {
			t.Errorf("%s scales by %+v, want %+v", s.Name.V, got, s.Scaling)
		}
	}
}

// edges are who talks to whom by gRPC, read from the spec alone.
func edges(spec *schema.Spec) (callers, callees map[string][]string) {
	callers, callees = map[string][]string{}, map[string][]string{}
	add := func(from, to string) {
		if !slices.Contains(callers[to], from) {
			callers[to] = append(callers[to], from)
			callees[from] = append(callees[from], to)
		}
	}
	for _, s := range spec.Services {
		for _, c := range s.Calls {
			target, _, _ := strings.Cut(c.Target.Name.V, ".")
			add(s.Name.V, target)
		}
		for _, m := range s.API {
			if m.HTTP != nil {
				add("gateway", s.Name.V)
			}
		}
	}
	return callers, callees
}

// messaging reports that a service sends or receives messages, read from the spec alone.
func messaging(spec *schema.Spec, s *schema.Service) bool {
	uses := len(s.Receives)+len(s.Views) > 0
	for _, m := range s.API {
		uses = uses || len(m.Sends) > 0
	}
	for _, sg := range spec.Sagas {
		uses = uses || sg.Orchestrator.V == s.Name.V
		for _, ref := range sg.Refs() {
			uses = uses || strings.HasPrefix(ref.Name.V, s.Name.V+".")
		}
	}
	return uses
}

func TestNetworkPoliciesAreTheDeclaredEdges(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		callers, callees := edges(spec)
		services := map[string]*schema.Service{}
		for _, s := range spec.Services {
			services[s.Name.V] = s
		}
		for _, pod := range pods(spec) {
			policy := manifests(t, files, pod).policy.Spec
			if !slices.Equal(policy.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}) {
				t.Errorf("%s: %s: its policy is for %v", name, pod, policy.PolicyTypes)
			}
			if !single(&policy.PodSelector, "app.kubernetes.io/name") {
				t.Errorf("%s: %s: its policy is for the pods of %v", name, pod, policy.PodSelector)
			}
			want := map[string]bool{"namespace monitoring at ops": true}
			if pod == "gateway" {
				want["anybody at http"] = true
			}
			for _, from := range callers[pod] {
				want["pod "+from+" at grpc"] = true
			}
			if spec.Security != nil {
				for _, to := range callees[pod] { // the keys of its tokens
					want["pod "+to+" at ops"] = true
				}
			}
			got := map[string]bool{}
			for _, rule := range policy.Ingress {
				open(got, rule.From, rule.Ports)
			}
			same(t, name+": to "+pod, got, want)

			want = map[string]bool{"namespace kube-system at 53": true, "namespace monitoring at 4317": true}
			for _, to := range callees[pod] {
				want["pod "+to+" at 9000"] = true
			}
			if spec.Security != nil {
				for _, from := range callers[pod] { // the keys of their tokens
					want["pod "+from+" at 9100"] = true
				}
			}
			s := services[pod]
			if s == nil {
				want["anybody at 443"] = true // the issuer's keys
			} else {
				if s.Database.V != "" {
					want["namespace database at 5432"] = true
				}
				if messaging(spec, s) {
					want["namespace broker at 9092"] = true
				}
			}
			caches := s == nil && spec.Gateway.RateLimit != nil && spec.Stack.Cache.V == "redis"
			if s != nil {
				caches = slices.ContainsFunc(s.API, func(m *schema.Method) bool { return m.Cache.Set })
				// Replicas that are called share what they know of signed requests.
				signs := spec.Security != nil && spec.Security.RequestSigning.V == "hmac-sha256"
				caches = caches || signs && spec.Stack.Cache.V == "redis" && len(callers[pod]) > 0
			}
			if caches {
				want["namespace cache at 6379"] = true
			}
			got = map[string]bool{}
			for _, rule := range policy.Egress {
				open(got, rule.To, rule.Ports)
			}
			same(t, name+": from "+pod, got, want)
		}
	}
}

// open adds what a rule lets through, in words. A peer or a port of a kind that has no words here is in its own, so that nothing is passed over.
func open(to map[string]bool, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
	var who []string
	for _, p := range peers {
		switch pod, namespace := p.PodSelector, p.NamespaceSelector; {
		case p.IPBlock == nil && namespace == nil && single(pod, "app.kubernetes.io/name"):
			who = append(who, "pod "+pod.MatchLabels["app.kubernetes.io/name"])
		case p.IPBlock == nil && pod == nil && single(namespace, "kubernetes.io/metadata.name"):
			who = append(who, "namespace "+namespace.MatchLabels["kubernetes.io/metadata.name"])
		case p.IPBlock == nil && pod == nil && namespace != nil && len(namespace.MatchLabels) == 1 && len(namespace.MatchExpressions) == 0:
			for k, v := range namespace.MatchLabels {
				if !strings.HasSuffix(k, ".msgen.dev/provides") {
					v = k + "=" + v
				}
				who = append(who, "namespace "+v)
			}
		default:
			who = append(who, p.String())
		}
	}
	if len(peers) == 0 {
		who = []string{"anybody"}
	}
	for _, w := range who {
		for _, p := range ports {
			if p.Port == nil || p.EndPort != nil || p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP && p.Port.IntValue() != 53 {
				to[w+" at "+p.String()] = true
				continue
			}
			to[w+" at "+p.Port.String()] = true
		}
		if len(ports) == 0 {
			to[w+" at every port"] = true
		}
	}
}

// single reports whether a selector picks by one label and nothing else.
func single(s *metav1.LabelSelector, label string) bool {
	return s != nil && len(s.MatchExpressions) == 0 && len(s.MatchLabels) == 1 && s.MatchLabels[label] != ""
}

func same(t *testing.T, what string, got, want map[string]bool) {
	t.Helper()
	for k := range got {
		if !want[k] {
			t.Errorf("%s: lets through %s, which the spec does not declare", what, k)
		}
	}
	for k := range want {
		if !got[k] {
			t.Errorf("%s: does not let through %s", what, k)
		}
	}
}

func TestKustomization(t *testing.T) {
	spec := example(t, "shop")
	files := system(t, spec)
	var base struct {
		APIVersion, Kind, Namespace string
		Resources                   []string
		ConfigMapGenerator          []struct {
			Name string
			Envs []string
		}
	}
	decode(t, files, "deploy/k8s/base/kustomization.yaml", &base)
	listed := map[string]bool{}
	for _, r := range append(base.Resources, base.ConfigMapGenerator[0].Envs...) {
		listed["deploy/k8s/base/"+r] = true
	}
	for path := range files {
		if strings.HasPrefix(path, "deploy/k8s/base/") && !strings.HasSuffix(path, "kustomization.yaml") && !listed[path] {
			t.Errorf("the kustomization does not list %s", path)
		}
	}
	for path := range listed {
		if files[path] == nil {
			t.Errorf("the kustomization lists %s, which does not exist", path)
		}
	}
	if base.Namespace != spec.Deployment.Namespace.V {
		t.Errorf("namespace %s", base.Namespace)
	}
	var namespace corev1.Namespace
	var deny networkingv1.NetworkPolicy
	decode(t, files, "deploy/k8s/base/namespace.yaml", &namespace, &deny)
	if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace admits more than restricted pods: %v", namespace.Labels)
	}
	if len(deny.Spec.PodSelector.MatchLabels) > 0 || len(deny.Spec.Ingress)+len(deny.Spec.Egress) > 0 || len(deny.Spec.PolicyTypes) != 2 {
		t.Errorf("the default does not deny everything: %+v", deny.Spec)
	}
}

// TestNoSecrets looks for passwords and keys in everything that is generated.
func TestNoSecrets(t *testing.T) {
	literal := regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key)["']?\s*(?:=\s*|:\s+)["']?[A-Za-z0-9+/_-]{6,}`)
	inURL := regexp.MustCompile(`[a-z]+://[^/\s:@"'` + "`" + `]+:([^@\s$%/"'` + "`" + `]+)@`)
	pem := regexp.MustCompile(`PRIVATE KEY-----\s+[A-Za-z0-9+/]{8}`)
	if !pem.MatchString("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n") {
		t.Error("this test would not find a private key")
	}
	for _, planted := range []string{"POSTGRES_PASSWORD: hunter2hunter2", "token=0123456789ab", "postgres://shop:hunter2@postgres/shop"} {
		if !literal.MatchString(planted) && !inURL.MatchString(planted) {
			t.Errorf("this test would not find %s", planted)
		}
	}
	for _, name := range examples {
		for path, content := range system(t, example(t, name)) {
			if strings.HasSuffix(path, ".go") || path == "go.sum" {
				continue // code names variables; that the platform's hold no secrets the linter sees to
			}
			if pem.MatchString(string(content)) {
				t.Errorf("%s: %s holds a private key", name, path)
			}
			for _, line := range strings.Split(string(content), "\n") {
				if m := literal.FindString(line); m != "" || inURL.MatchString(line) {
					t.Errorf("%s: %s: %s", name, path, line)
				}
			}
		}
	}
}
