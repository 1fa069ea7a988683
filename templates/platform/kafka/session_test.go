package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// What a crashed replica held must be taken over soon, so the client's own default must never apply.
func TestSessionTimeoutIsThatOfTheConfig(t *testing.T) {
	fromEnv := func(vars map[string]string) Config {
		t.Helper()
		vars["KAFKA_BROKERS"] = "localhost:9092"
		cfg, err := env.ParseAsWithOptions[Config](env.Options{Environment: vars})
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	for name, tc := range map[string]struct {
		cfg  Config
		want time.Duration
	}{
		"zero":        {Config{Brokers: []string{"localhost:9092"}}, 10 * time.Second},
		"environment": {fromEnv(map[string]string{}), 10 * time.Second},
		"set":         {fromEnv(map[string]string{"KAFKA_SESSION_TIMEOUT": "3s"}), 3 * time.Second},
	} {
		c, err := NewConsumer(tc.cfg, "g", []string{"t"}, func(context.Context, []event.Message) error { return nil }, ConsumerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		session, heartbeat := c.cl.OptValue(kgo.SessionTimeout), c.cl.OptValue(kgo.HeartbeatInterval)
		c.cl.CloseAllowingRebalance()
		if session != tc.want || heartbeat != tc.want/5 {
			t.Errorf("%s: session timeout %v, heartbeat %v; want %v and a fifth of it", name, session, heartbeat, tc.want)
		}
	}
}
