package generator_test

import (
	"bytes"
	"strings"
	"testing"
)

// TestStuckCommand holds that each service has the command for exactly the kinds of work that can get stuck in it, and that the alerts of
// those kinds and the README name it.
func TestStuckCommand(t *testing.T) {
	files := system(t, example(t, "shop"))
	for service, parts := range map[string]string{
		"orders":    `stuck.Parts{Outbox: true, Group: "shop.orders", Sagas: true, Shards: shard.Stuck}`,
		"inventory": `stuck.Parts{Outbox: true, Group: "shop.inventory"}`,
		"history":   `stuck.Parts{Group: "shop.history"}`,
		"pricing":   "", // it has no database
	} {
		code := files["services/"+service+"/internal/gen/main.go"]
		if len(code) == 0 {
			t.Fatalf("%s has no main.go", service)
		}
		if parts == "" {
			if bytes.Contains(code, []byte("stuck")) {
				t.Errorf("%s has the command", service)
			}
			continue
		}
		if !bytes.Contains(code, []byte(parts)) {
			t.Errorf("%s: main.go has no %s", service, parts)
		}
		// A service with shards retries in each of them.
		if code = append(code, files["services/"+service+"/internal/gen/shards.go"]...); !bytes.Contains(code, []byte(`("dead letter retries", in.RunRetries)`)) {
			t.Errorf("%s retries no dead letters", service)
		}
		if !bytes.Contains(files["services/"+service+"/internal/gen/migrations.go"], []byte(`{"stuck", stuck.Migrations}`)) {
			t.Errorf("%s does not make the command's table", service)
		}
	}
	kinds := map[string]string{"OutboxParked": "outbox", "DeadLetters": "dead-letter", "DeadLettersKept": "dead-letter", "SagaParked": "saga"}
	var file rules
	strictly(t, files["deploy/prometheus/rules.yml"], &file)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if kind := kinds[r.Alert]; kind != "" && !strings.Contains(r.Annotations["description"], "/app stuck list --kind "+kind) {
				t.Errorf("the alert %s does not tell the command: %q", r.Alert, r.Annotations["description"])
			} else if kind != "" {
				delete(kinds, r.Alert)
			}
		}
	}
	for alert := range kinds {
		t.Errorf("there is no alert %s that tells the command", alert)
	}
	for _, want := range []string{"exec orders /app stuck list", "deploy/orders -- /app stuck list", "`skip ID...`"} {
		if !bytes.Contains(files["README.md"], []byte(want)) {
			t.Errorf("the README has no %s", want)
		}
	}
	if readme := system(t, example(t, "minimal"))["README.md"]; bytes.Contains(readme, []byte("`skip ID...`")) || !bytes.Contains(readme, []byte("stuck list")) {
		t.Error("the README of a system without sagas tells of them, or not of the command")
	}
}
