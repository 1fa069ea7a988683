package event_test

import (
	"context"
	"maps"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

func made(ctx context.Context, t *testing.T) event.Message {
	t.Helper()
	m, err := event.New(ctx, "/shop/orders", "t", "topic", "k", &wrapperspb.StringValue{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The attributes are those of the CloudEvents extension "Auth Context", and what handles one message hands the cause on to the next.
func TestCauseGoesOnFromMessageToMessage(t *testing.T) {
	for name, c := range map[string]struct {
		cause event.Cause
		want  map[string]string
	}{
		"user": {event.Cause{Type: event.AppUser, ID: "ann", Scopes: []string{"orders.read", "orders.write"}},
			map[string]string{"authtype": "app_user", "authid": "ann", "authclaims": `{"scope":"orders.read orders.write"}`}},
		"service": {event.Cause{Type: event.ServiceAccount, ID: "billing"}, map[string]string{"authtype": "service_account", "authid": "billing"}},
		"nobody":  {event.Cause{}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			first := made(event.WithCause(t.Context(), c.cause), t)
			if !maps.Equal(first.Extensions, c.want) {
				t.Errorf("extensions %q, want %q", first.Extensions, c.want)
			}
			// Whatever the context was for before: the message decides.
			handling := first.Context(event.WithCause(t.Context(), event.Cause{Type: event.AppUser, ID: "eve"}))
			if got := event.CauseOf(handling); !reflect.DeepEqual(got, c.cause) {
				t.Errorf("its handler sees %+v, want %+v", got, c.cause)
			}
			if second := made(handling, t); !maps.Equal(second.Extensions, c.want) {
				t.Errorf("the next message has %q, want %q", second.Extensions, c.want)
			}
		})
	}
}

// A message can say anything. What could not travel on as a header is nobody, and its claims are no more than words.
func TestCauseThatCannotBe(t *testing.T) {
	for name, ext := range map[string]map[string]string{
		"no type":          {"authid": "ann"},
		"a line break":     {"authtype": "app_user", "authid": "ann\nroot"},
		"a NUL":            {"authtype": "app_user", "authid": "ann\x00"},
		"not ASCII":        {"authtype": "app_user", "authid": "ann\xff"},
		"too long":         {"authtype": "app_user", "authid": strings.Repeat("a", 256)},
		"a type too long":  {"authtype": strings.Repeat("a", 256), "authid": "ann"},
		"a type not ASCII": {"authtype": "é", "authid": "ann"},
	} {
		if got := (event.Message{Extensions: ext}).Cause(); !reflect.DeepEqual(got, event.Cause{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, said := range []string{`[]`, `{`, `{"scope":7}`, `"root"`} {
		m := event.Message{Extensions: map[string]string{"authtype": "app_user", "authid": "ann", "authclaims": said}}
		if got := m.Cause(); got.ID != "ann" || len(got.Scopes) != 0 {
			t.Errorf("claims %s: %+v", said, got)
		}
	}
}
