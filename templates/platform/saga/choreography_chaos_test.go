package saga

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// Events in any order and twice, refusals, failures and timeouts at any time: in the end every saga has ended, and what was done is what its
// end says.
func TestChoreographyChaos(t *testing.T) {
	d := newDance(t, Compensatable, Compensatable, Pivot, Retriable)
	var refused, failed, turned int
	for _, step := range []string{"a.do", "b.do", "c.do"} {
		d.fail[step] = func() error {
			switch rand.IntN(8) {
			case 0:
				refused++
				return status.Error(codes.FailedPrecondition, "no")
			case 1, 2:
				failed++
				return errTechnical
			}
			return nil
		}
	}
	d.fail["d.do"] = times(40, errTechnical)
	d.fail["b.undo"] = times(3, refuse())
	for i := range 40 {
		d.start(string(rune('A' + i)))
	}
	var held []delivery
	for range 12 {
		held = append(held, d.run(true, func(delivery) bool { return rand.IntN(6) == 0 })...)
		if rand.IntN(2) == 0 {
			exec(t, d.pool, `UPDATE saga SET deadline = now() WHERE random() < 0.2`)
			turned++
		}
		exec(t, d.pool, `UPDATE saga SET next_at = now() WHERE next_at IS NOT NULL AND random() < 0.5`)
		d.fire()
		late := len(held) / 2
		d.hand(held[:late]...)
		held = held[late:]
	}
	d.hand(held...)
	open := `SELECT key FROM saga WHERE state IN ('RUNNING', 'COMPENSATING', 'PARKED')`
	for range 100 {
		d.run(true, nil)
		if len(query(t, d.pool, open)) == 0 {
			break
		}
		exec(t, d.pool, `INSERT INTO saga_request (saga_id, action, reason, asked_by) SELECT id, 'retry', '', 'test' FROM saga WHERE state = 'PARKED' ON CONFLICT DO NOTHING`)
		if err := d.o.answerRequests(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.elapse()
	}
	equal(t, "sagas that have not ended", query(t, d.pool, open))
	equal(t, "done twice", query(t, d.pool, `SELECT key || ' ' || what FROM effect GROUP BY key, what HAVING count(*) > 1`))
	all := `coalesce((SELECT string_agg(what, ' ' ORDER BY id) FROM effect WHERE effect.key = saga.key), '')`
	equal(t, "completed, but not by every step", query(t, d.pool, `SELECT key || ' ' || `+all+` FROM saga WHERE state = 'COMPLETED' AND `+all+` <> 'a.do b.do c.do d.do'`))
	equal(t, "compensated, but not undone backwards", query(t, d.pool, `SELECT key || ' ' || `+all+` FROM saga WHERE state = 'COMPENSATED' AND `+all+
		` NOT IN ('starter.reject', 'a.do a.undo starter.reject', 'a.do b.do b.undo a.undo starter.reject')`))
	ended := query(t, d.pool, `SELECT DISTINCT state FROM saga ORDER BY state`)
	equal(t, "ends", ended, "COMPENSATED", "COMPLETED")
	if refused == 0 || failed == 0 || turned == 0 {
		t.Errorf("nothing to see: %d refusals, %d failures, %d rounds of timeouts", refused, failed, turned)
	}
}

// The request to undo the decider and its trigger are handled at the same time, by two workers: one of them is first, and the saga ends as it says.
func TestChoreographyRace(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	const rounds = 40
	for i := range rounds {
		d.start(fmt.Sprint(i))
	}
	both := d.run(false, to("b", ".A.Done"))
	d.expire()
	exec(t, d.pool, `UPDATE saga SET next_at = now()`)
	for len(query(t, d.pool, `SELECT key FROM saga WHERE state = 'RUNNING' LIMIT 1`)) > 0 {
		d.fire()
	}
	both = append(both, d.run(false, to("b", ".UndoRequested"))...)
	if len(both) != 2*rounds {
		t.Fatalf("%d messages, want %d", len(both), 2*rounds)
	}
	rand.Shuffle(len(both), func(i, j int) { both[i], both[j] = both[j], both[i] })
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < len(both); i += 4 {
				if err := d.of["b"].Process(t.Context(), []event.Message{both[i].msg}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	d.run(false, nil)
	equal(t, "ends that differ from what was done", query(t, d.pool, `
		SELECT key || ' ' || state FROM saga WHERE (state = 'COMPLETED') <> EXISTS (SELECT FROM effect WHERE effect.key = saga.key AND what = 'b.do')
			OR (state = 'COMPENSATED') <> EXISTS (SELECT FROM effect WHERE effect.key = saga.key AND what = 'a.undo')`))
	equal(t, "ends", query(t, d.pool, `SELECT DISTINCT state FROM saga ORDER BY state`), "COMPENSATED", "COMPLETED")
}
