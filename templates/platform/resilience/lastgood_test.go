package resilience

import (
	"context"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestLastGoodAnswersWhenTheServiceCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), false)
		last := NewLastGood[*text](10)
		s := &service{answers: []error{nil, code(codes.Unavailable)}}
		ask := func(q string) (*text, error) {
			return Call(t.Context(), e, wrapperspb.String(q), WithLastGood(last, s.call), last.Fallback)
		}
		first, err := ask("a")
		if err != nil {
			t.Fatal(err)
		}
		first.Value = "changed by the caller"
		for range 2 {
			again, err := ask("a")
			if err != nil || again.GetValue() != "re: a" {
				t.Errorf("got %q, %v", again.GetValue(), err)
			}
			again.Value = "changed by the caller"
		}
		if res, err := ask("b"); status.Code(err) != codes.Unavailable || res != nil {
			t.Errorf("never asked before: %v, %v", res, err)
		}
	})
}

func TestLastGoodIsBounded(t *testing.T) {
	last := NewLastGood[*text](2)
	for _, q := range []string{"a", "b", "c"} {
		last.Store(t.Context(), wrapperspb.String(q), wrapperspb.String("re: "+q))
	}
	if _, err := last.Fallback(t.Context(), wrapperspb.String("a"), context.Canceled); err != context.Canceled { //nolint:errorlint // it is that very value
		t.Errorf("the oldest is still there: %v", err)
	}
	if res, err := last.Fallback(t.Context(), wrapperspb.String("c"), context.Canceled); err != nil || res.GetValue() != "re: c" {
		t.Errorf("the newest: %v, %v", res, err)
	}
}
