package saga

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func (w *world) operator(want codes.Code, err error) {
	w.t.Helper()
	if status.Code(err) != want {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

func TestRetry(t *testing.T) {
	w := newWorld(t)
	w.fail["capture.do"] = times(1, refuse())
	w.start("k")
	id := w.only()
	w.operator(codes.FailedPrecondition, w.o.Retry(t.Context(), id)) // it runs
	w.pump(nil)
	w.state(Parked)
	w.elapse() // a parked saga has no timer
	w.state(Parked)
	w.operator(codes.OK, w.o.Retry(t.Context(), id))
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
	w.operator(codes.FailedPrecondition, w.o.Retry(t.Context(), id)) // it ended
	w.operator(codes.NotFound, w.o.Retry(t.Context(), "00000000-0000-0000-0000-000000000001"))
	w.operator(codes.InvalidArgument, w.o.Retry(t.Context(), "x"))
}

func TestSkip(t *testing.T) {
	pool := database(t)
	w := worldOn(t, pool)
	w.fail["capture.do"] = refuse
	w.start("k")
	w.operator(codes.FailedPrecondition, w.o.Skip(t.Context(), w.only()))
	w.pump(nil)
	w.operator(codes.OK, w.o.Skip(t.Context(), w.only()))
	w.state(Completed)
	if w.logged(logOperator) != 1 {
		t.Error("the operator is not in the log")
	}

	w = worldOn(t, pool)
	w.fail["confirm.do"], w.fail["reject.do"] = refuse, refuse
	w.start("k")
	w.pump(nil)
	w.state(Parked)
	list, err := w.o.List(t.Context(), Parked)
	if err != nil || len(list) != 1 || list[0].Step != onFailure {
		t.Errorf("list: %+v, %v", list, err)
	}
	w.operator(codes.OK, w.o.Skip(t.Context(), w.only()))
	w.state(Compensated)
}

func TestForceCompensate(t *testing.T) {
	pool := database(t)
	w := worldOn(t, pool)
	w.start("k")
	w.pump(isReplyTo("authorize", opInvoke))
	w.operator(codes.OK, w.o.ForceCompensate(t.Context(), w.only(), "customer called"))
	w.pump(nil)
	w.state(Compensated)
	w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
	w.operator(codes.FailedPrecondition, w.o.ForceCompensate(t.Context(), w.only(), "again"))

	w = worldOn(t, pool) // parked at the pivot, which never arrived
	w.start("k")
	w.pump(isCommand("confirm.do"))
	w.expire()
	for range 4 {
		w.elapse()
		w.pump(isCommand("confirm.do"))
	}
	w.state(Parked)
	w.operator(codes.OK, w.o.ForceCompensate(t.Context(), w.only(), "pivot is lost"))
	w.pump(nil)
	w.state(Compensated)
	w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")

	w = worldOn(t, pool)
	w.fail["capture.do"] = refuse
	w.start("k")
	w.pump(nil)
	w.operator(codes.FailedPrecondition, w.o.ForceCompensate(t.Context(), w.only(), "too late"))
	w.state(Parked)
	equal(t, "resume state", query(t, w.pool, `SELECT resume_state FROM saga`), string(Running))
}

func TestPurge(t *testing.T) {
	w := newWorld(t)
	w.start("done")
	w.pump(nil)
	w.fail["capture.do"] = refuse
	w.start("parked")
	w.pump(nil)
	w.start("young")
	exec(t, w.pool, `UPDATE saga SET updated_at = now() - interval '31 days' WHERE key <> 'young'`)
	exec(t, w.pool, `UPDATE saga_participant SET created_at = now() - interval '31 days' WHERE step <> 'confirm'`)
	if err := Purge(t.Context(), w.pool, 30*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	equal(t, "sagas", query(t, w.pool, `SELECT key FROM saga ORDER BY 1`), "parked", "young")
	equal(t, "barriers", query(t, w.pool, `SELECT DISTINCT step FROM saga_participant`), "confirm")
}
