package generator_test

import (
	"strings"
	"testing"
)

// Who takes part in a saga keeps its answers, and has to forget them some day, whether it leads one or not.
func TestParticipantsPurge(t *testing.T) {
	files := system(t, example(t, "shop"))
	for service, want := range map[string]bool{"orders": true, "inventory": true, "payments": true, "notifications": false, "history": false} {
		code := string(files["services/"+service+"/internal/gen/main.go"]) + string(files["services/"+service+"/internal/gen/shards.go"])
		if got := strings.Contains(code, "saga.RunPurge("); got != want {
			t.Errorf("%s purges its part of sagas: %t", service, got)
		}
	}
}
