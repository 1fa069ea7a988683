package generator_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	composetypes "github.com/compose-spec/compose-go/v2/types"
)

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
	if len(lines) != 8 { // Grafana, Postgres, Redis, five services with a database
		t.Errorf("there are %d passwords", len(lines))
	}
	if again := run(); again != first {
		t.Error("a second run changes the passwords")
	}
}
