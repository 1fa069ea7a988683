package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// stuckWork gets a saga and a dead letter stuck and lets the service's own command deal with them.
func stuckWork(t *testing.T, shop *e2e.System) {
	// A saga that is done is parked at its last step, whose participant gives the same answer again. The timer of its shard moves it.
	shard := count(t, shop, "orders", "SELECT shard FROM saga WHERE state = 'COMPLETED' ORDER BY updated_at DESC LIMIT 1")
	execute(t, shop, "orders", fmt.Sprintf(`
		UPDATE shard_%[1]d.saga SET state = 'PARKED', resume_state = 'RUNNING', parked_reason = 'no answer', next_at = NULL
		WHERE id = (SELECT id FROM shard_%[1]d.saga WHERE state = 'COMPLETED' LIMIT 1)`, shard))
	list := command(t, shop, "orders", "stuck", "list", "--kind", "saga")
	var id string
	for _, word := range strings.Fields(list) {
		if strings.HasPrefix(word, "saga/") {
			id = word
		}
	}
	if !strings.HasSuffix(id, fmt.Sprint("@", shard)) || !strings.Contains(list, "no answer") {
		t.Fatalf("the parked saga is not in\n%s", list)
	}
	command(t, shop, "orders", "stuck", "retry", id, "--by", "e2e")
	eventually(t, "the parked saga", func() string {
		if shown := command(t, shop, "orders", "stuck", "show", id); !strings.Contains(shown, "COMPLETED") {
			return shown
		}
		return ""
	})

	// The running service takes the dead letter, and nothing of it handles its type.
	execute(t, shop, "notifications", `
		INSERT INTO dead_letters (consumer_group, message_id, source, type, subject, topic, partition, "offset", key, extensions, data,
			handler, error, attempts)
		VALUES ('shop.notifications', 'm', '/s', 'shop.Nobody', '', 't', 0, 0, 'k', '{}', '', '', 'the first error', 1)`)
	command(t, shop, "notifications", "stuck", "retry", "dead-letter/1")
	eventually(t, "the dead letter", func() string {
		if shown := command(t, shop, "notifications", "stuck", "show", "dead-letter/1"); !strings.Contains(shown, "no handler of type shop.Nobody") {
			return shown
		}
		return ""
	})
	command(t, shop, "notifications", "stuck", "drop", "--yes", "dead-letter/1")
	if list := command(t, shop, "notifications", "stuck", "list"); !strings.Contains(list, "nothing is stuck") {
		t.Errorf("after the drop:\n%s", list)
	}
}

// command runs a service's program with arguments and returns what it prints.
func command(t *testing.T, shop *e2e.System, service string, args ...string) string {
	t.Helper()
	out, err := shop.Process(service).Command(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// execute changes one service's database.
func execute(t *testing.T, shop *e2e.System, service, sql string) {
	t.Helper()
	conn, err := shop.DB(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
