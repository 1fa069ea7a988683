package generator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	composetypes "github.com/compose-spec/compose-go/v2/types"
	yamlv3 "gopkg.in/yaml.v3"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
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

func TestKubernetesHardening(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		for _, pod := range pods(spec) {
			o := manifests(t, files, pod)
			template := o.deployment.Spec.Template
			container := template.Spec.Containers[0]
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
				"no volumes":                      len(template.Spec.Volumes) == 0,
				"starts by the process alone":     container.StartupProbe.HTTPGet.Path == "/healthz",
				"ready when its needs are":        container.ReadinessProbe.HTTPGet.Path == "/readyz",
				"lives by the process alone":      container.LivenessProbe.HTTPGet.Path == "/healthz",
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
			want := map[string]bool{"namespace monitoring at ops": true}
			if pod == "gateway" {
				want["anybody at http"] = true
			}
			for _, from := range callers[pod] {
				want["pod "+from+" at grpc"] = true
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
			got = map[string]bool{}
			for _, rule := range policy.Egress {
				open(got, rule.To, rule.Ports)
			}
			same(t, name+": from "+pod, got, want)
		}
	}
}

// open adds what a rule lets through, in words.
func open(to map[string]bool, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
	var who []string
	for _, p := range peers {
		switch {
		case p.PodSelector != nil:
			who = append(who, "pod "+p.PodSelector.MatchLabels["app.kubernetes.io/name"])
		case p.NamespaceSelector != nil:
			for _, v := range p.NamespaceSelector.MatchLabels {
				who = append(who, "namespace "+v)
			}
		}
	}
	if len(peers) == 0 {
		who = []string{"anybody"}
	}
	for _, w := range who {
		for _, p := range ports {
			to[w+" at "+p.Port.String()] = true
		}
		if len(ports) == 0 {
			to[w+" at every port"] = true
		}
	}
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

func TestCompose(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		secrets := composetypes.Mapping{}
		for _, m := range regexp.MustCompile(`(?m)^secret (\w+)$`).FindAllSubmatch(files["deploy/compose/secrets.sh"], -1) {
			secrets[string(m[1])] = "made-up"
		}
		project, err := compose(t.Context(), files, secrets.Clone())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for variable := range secrets {
			less := secrets.Clone()
			delete(less, variable)
			if _, err := compose(t.Context(), files, less); err == nil || !strings.Contains(err.Error(), variable) {
				t.Errorf("%s: without %s: %v", name, variable, err)
			}
		}
		if !project.Networks["internal"].Internal {
			t.Errorf("%s: the internal network leads out", name)
		}
		for _, pod := range pods(spec) {
			s, err := project.GetService(pod)
			if err != nil {
				t.Fatal(err)
			}
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
				t.Errorf("%s: %s is not hardened", name, pod)
			}
			if s.HealthCheck == nil || !slices.Equal(s.HealthCheck.Test, []string{"CMD", "/app", "healthcheck"}) {
				t.Errorf("%s: %s has no health check", name, pod)
			}
			if s.StopGracePeriod == nil || float64(*s.StopGracePeriod) <= float64(spec.Deployment.GracePeriod.V) {
				t.Errorf("%s: %s is killed while it stops", name, pod)
			}
			if got := int64(s.Deploy.Resources.Limits.MemoryBytes); got != 256<<20 {
				t.Errorf("%s: %s may have %d bytes", name, pod, got)
			}
			if pod != "gateway" && (len(s.Ports) > 0 || len(s.Networks) != 1) {
				t.Errorf("%s: %s can be reached from outside", name, pod)
			}
		}
		for service, s := range project.Services {
			for _, p := range s.Ports {
				if p.HostIP != "127.0.0.1" {
					t.Errorf("%s: %s is published on %q", name, service, p.HostIP)
				}
				if _, out := s.Networks["edge"]; !out {
					t.Errorf("%s: %s publishes a port and is on no network that could reach it", name, service)
				}
			}
			for dependency, d := range s.DependsOn {
				if d.Condition == composetypes.ServiceConditionHealthy && project.Services[dependency].HealthCheck == nil {
					t.Errorf("%s: %s waits for the health of %s, which has no check", name, service, dependency)
				}
			}
			if s.Image != "" && !regexp.MustCompile(`:[v0-9]+[0-9.]+$`).MatchString(s.Image) {
				t.Errorf("%s: %s: the image %s is not pinned", name, service, s.Image)
			}
		}
	}
}

func compose(ctx context.Context, files map[string][]byte, env composetypes.Mapping) (*composetypes.Project, error) {
	return loader.LoadWithContext(ctx, composetypes.ConfigDetails{
		WorkingDir:  "/system/deploy/compose",
		ConfigFiles: []composetypes.ConfigFile{{Filename: "compose.yaml", Content: files["deploy/compose/compose.yaml"]}},
		Environment: env,
	}, func(o *loader.Options) { o.SkipResolveEnvironment = true })
}

// TestScripts lets the shell read the scripts, and runs the one that needs nothing else.
func TestScripts(t *testing.T) {
	files := system(t, example(t, "shop"))
	dir := t.TempDir()
	for _, name := range []string{"secrets.sh", "postgres-init.sh"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, files["deploy/compose/"+name], 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	run := func() string {
		if out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "secrets.sh")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, ".env"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := run()
	lines := strings.Split(strings.TrimSpace(first), "\n")
	values := map[string]bool{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		if !regexp.MustCompile(`^[0-9a-f]{48}$`).MatchString(value) || values[value] {
			t.Errorf("%s has the password %q", name, value)
		}
		values[value] = true
	}
	if len(lines) != 7 { // Grafana, Postgres, five services with a database
		t.Errorf("there are %d passwords", len(lines))
	}
	if again := run(); again != first {
		t.Error("a second run changes the passwords")
	}
}

// TestNoSecrets looks for passwords and keys in everything that is generated.
func TestNoSecrets(t *testing.T) {
	literal := regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key)["']?\s*(?:=\s*|:\s+)["']?[A-Za-z0-9+/_-]{6,}`)
	inURL := regexp.MustCompile(`[a-z]+://[^/\s:@"'` + "`" + `]+:([^@\s$%/"'` + "`" + `]+)@`)
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
			for _, line := range strings.Split(string(content), "\n") {
				if strings.Contains(string(content), "PRIVATE KEY-----") {
					t.Errorf("%s: %s holds a private key", name, path)
				}
				if m := literal.FindString(line); m != "" || inURL.MatchString(line) {
					t.Errorf("%s: %s: %s", name, path, line)
				}
			}
		}
	}
}

func TestPrometheusConfiguration(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		var config struct {
			Global struct {
				ScrapeInterval     string `yaml:"scrape_interval"`
				EvaluationInterval string `yaml:"evaluation_interval"`
			}
			RuleFiles     []string `yaml:"rule_files"`
			ScrapeConfigs []struct {
				JobName       string                       `yaml:"job_name"`
				StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
			} `yaml:"scrape_configs"`
		}
		strictly(t, files["deploy/prometheus/prometheus.yml"], &config)
		var targets []string
		for _, c := range config.ScrapeConfigs {
			if want := c.JobName + ":9100"; !slices.Equal(c.StaticConfigs[0].Targets, []string{want}) {
				t.Errorf("%s: %s is scraped at %v", name, c.JobName, c.StaticConfigs[0].Targets)
			}
			targets = append(targets, c.JobName)
		}
		if !slices.Equal(targets, pods(spec)) {
			t.Errorf("%s: Prometheus scrapes %v, the processes are %v", name, targets, pods(spec))
		}
	}
}

// rules is the form of a Prometheus rule file.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	}
}

func strictly(t *testing.T, content []byte, into any) {
	t.Helper()
	d := yamlv3.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestAlerts(t *testing.T) {
	want := map[string][]string{
		"minimal": {"InstanceDown", "GatewayErrors", "OutboxStuck", "OutboxBacklog", "OutboxParked", "OutboxNoLeader", "DeadLetters", "ConsumerLag", "InboxWaitsForDatabase"},
	}
	want["shop"] = append([]string{"ErrorBudgetBurn", "LatencyObjectiveMissed", "SagaParked", "SagaSlow", "SagaUnknownDefinition", "SagaTimerErrors", "BreakerOpen"}, want["minimal"]...)
	for _, name := range examples {
		files := system(t, example(t, name))
		var file rules
		strictly(t, files["deploy/prometheus/rules.yml"], &file)
		alerts, thresholds := map[string]bool{}, []string{}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Record != "" {
					continue
				}
				alerts[r.Alert] = true
				if r.Expr == "" || r.Annotations["summary"] == "" || r.Labels["severity"] != "page" && r.Labels["severity"] != "ticket" {
					t.Errorf("%s: the alert %s is not whole: %+v", name, r.Alert, r)
				}
				if r.Alert == "ErrorBudgetBurn" {
					thresholds = append(thresholds, r.Labels["window"]+" "+r.Labels["severity"]+strings.SplitAfter(strings.Fields(r.Expr)[2], " ")[0])
				}
			}
		}
		for _, alert := range want[name] {
			if !alerts[alert] {
				t.Errorf("%s: there is no alert %s", name, alert)
			}
			delete(alerts, alert)
		}
		for alert := range alerts {
			t.Errorf("%s: there is an alert %s that this test does not know", name, alert)
		}
		// The Site Reliability Workbook's figures for 99.9 % in 30 days.
		if figures := []string{"1h page0.0144", "6h page0.006", "1d ticket0.003", "3d ticket0.001"}; name == "shop" && !slices.Equal(thresholds, figures) {
			t.Errorf("burn rates %v, want %v", thresholds, figures)
		}
	}
}

// TestPromtool lets Prometheus' own tool read the rules, where it is installed.
func TestPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	for _, name := range examples {
		files := system(t, example(t, name))
		dir := t.TempDir()
		for _, f := range []string{"prometheus.yml", "rules.yml"} {
			if err := os.WriteFile(filepath.Join(dir, f), files["deploy/prometheus/"+f], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), tool, "check", "config", filepath.Join(dir, "prometheus.yml")).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// TestMetricsExist holds that every metric of the rules and of the dashboard is one that the platform, or a library that it registers,
// makes.
func TestMetricsExist(t *testing.T) {
	known := map[string]bool{
		// client_golang's collectors and Prometheus itself.
		"go_goroutines": true, "go_gc_duration_seconds": true, "process_cpu_seconds_total": true, "process_resident_memory_bytes": true, "up": true,
		// go-grpc-middleware/providers/prometheus.
		"grpc_server_handled_total": true, "grpc_server_handling_seconds": true,
	}
	quoted := regexp.MustCompile(`"([a-z]+(?:_[a-z]+)+)"`)
	err := filepath.WalkDir("../templates/platform", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(source, []byte("client_golang/prometheus")) {
			return err
		}
		for _, m := range quoted.FindAllSubmatch(source, -1) {
			known[string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// A selector or a rate's argument; functions are followed by a parenthesis, labels by = or inside by (…).
	metric := regexp.MustCompile(`\b([a-z]+(?:_[a-z]+)+|up)(?:\{|\[|\)| offset|$| [<>=+*/-])`)
	grouping := regexp.MustCompile(`by \([^)]*\)`)
	for _, name := range examples {
		files := system(t, example(t, name))
		for _, expr := range expressions(t, files) {
			found := 0
			for _, m := range metric.FindAllStringSubmatch(grouping.ReplaceAllString(expr, ""), -1) {
				found++
				base := strings.TrimSuffix(m[1], "_bucket")
				if !known[base] {
					t.Errorf("%s: no source registers %s, which is used in %s", name, m[1], expr)
				}
			}
			if found == 0 && !strings.Contains(expr, "job:slo_") {
				t.Errorf("%s: this test finds no metric in %s", name, expr)
			}
		}
	}
}

// expressions are all PromQL expressions of the rules and the dashboard.
func expressions(t *testing.T, files map[string][]byte) []string {
	t.Helper()
	var list []string
	var file rules
	strictly(t, files["deploy/prometheus/rules.yml"], &file)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			list = append(list, r.Expr)
		}
	}
	for _, p := range dashboard(t, files).Panels {
		for _, q := range p.Targets {
			list = append(list, q.Expr)
		}
	}
	return list
}

type grafana struct {
	UID    string
	Panels []struct {
		ID      int
		Type    string
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			RefID, Expr string
			Datasource  struct{ UID string }
		}
	}
}

func dashboard(t *testing.T, files map[string][]byte) grafana {
	t.Helper()
	var d grafana
	if err := json.Unmarshal(files["deploy/grafana/dashboards/system.json"], &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboard(t *testing.T) {
	for _, name := range examples {
		files := system(t, example(t, name))
		taken := map[[2]int]int{}
		ids := map[int]bool{}
		var source struct{ Datasources []struct{ UID string } }
		if err := yaml.Unmarshal(files["deploy/grafana/provisioning/datasources/prometheus.yaml"], &source); err != nil {
			t.Fatal(err)
		}
		for _, p := range dashboard(t, files).Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels have the id %d", name, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != 0 || x >= 24 {
						t.Fatalf("%s: the panels %d and %d overlap or leave the grid", name, other, p.ID)
					}
					taken[[2]int{x, y}] = p.ID
				}
			}
			if (p.Type == "row") != (len(p.Targets) == 0) {
				t.Errorf("%s: the panel %d, a %s, has %d queries", name, p.ID, p.Type, len(p.Targets))
			}
			for _, q := range p.Targets {
				if q.Datasource.UID != source.Datasources[0].UID {
					t.Errorf("%s: the panel %d asks %q", name, p.ID, q.Datasource.UID)
				}
			}
		}
	}
}
