package generator_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yamlv3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/yaml"
)

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
				Scheme        string                       `yaml:"scheme"`
				TLSConfig     map[string]string            `yaml:"tls_config"`
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
			if secure := spec.Security != nil; secure != (c.Scheme == "https") || secure != (c.TLSConfig["cert_file"] == "/tls/tls.crt") {
				t.Errorf("%s: %s is scraped with %q and %v", name, c.JobName, c.Scheme, c.TLSConfig)
			}
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
		"minimal": {"InstanceDown", "GatewayErrors", "OutboxStuck", "OutboxBacklog", "OutboxParked", "OutboxNoLeader", "DeadLetters", "DeadLettersKept", "ConsumerLag", "InboxWaitsForDatabase"},
	}
	want["shop"] = append([]string{"ErrorBudgetBurn", "LatencyObjectiveMissed", "SagaParked", "SagaSlow", "SagaUnknownDefinition", "SagaTimerErrors", "BreakerOpen", "RedisDown", "CacheNotTold"}, want["minimal"]...)
	want["kitchen-sink"] = want["shop"][2:]
	for _, name := range []string{"shop", "kitchen-sink"} {
		want[name] = append([]string{
			"MessagesQuarantined", "SignaturesRefused", "SigningKeysUnusable", "CertificateEnds", "CallsRefused", "ConnectionsRefused", "TokensRefused",
		}, want[name]...)
	}
	for _, name := range append([]string{"kitchen-sink"}, examples...) {
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
