package rpc

import (
	"context"
	"reflect"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

func TestRequestIsTheCauseOfItsEvents(t *testing.T) {
	sent := make(chan event.Message, 1)
	conn := dial(t, server(t, ServerOptions{}, func(ctx context.Context, _ *dynamicpb.Message) error {
		m, err := event.New(ctx, "/test", "Done", "topic", "k", &emptypb.Empty{})
		sent <- m
		return err
	}), DialOptions{})
	for way, call := range ways {
		ctx := metadata.AppendToOutgoingContext(t.Context(), subjectKey, "ann", scopesKey, "orders.read orders.write")
		if err := call(ctx, conn, valid()); err != nil {
			t.Fatal(err)
		}
		want := event.Cause{Type: event.AppUser, ID: "ann", Scopes: []string{"orders.read", "orders.write"}}
		if got := (<-sent).Cause(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the cause is %+v, want %+v", way, got, want)
		}
		if err := call(t.Context(), conn, valid()); err != nil {
			t.Fatal(err)
		}
		if got := (<-sent).Extensions; got["authtype"] != "" || got["authid"] != "" {
			t.Errorf("%s: nobody is known, and the event says %q", way, got)
		}
	}
	if got := event.CauseOf(caused(context.WithValue(t.Context(), callerKey{}, "billing"))); got.Type != event.ServiceAccount || got.ID != "billing" {
		t.Errorf("a service that calls for nobody: %+v", got)
	}
}

// The user who caused a message is the subject of what its handler calls. The rights of the token that it came from are over.
func TestHandlerOfAMessageCallsForItsCause(t *testing.T) {
	seen := make(chan identity, 1)
	conn := dial(t, server(t, ServerOptions{}, func(ctx context.Context, _ *dynamicpb.Message) error {
		seen <- identityOf(ctx)
		return nil
	}), DialOptions{})
	message := event.Message{Extensions: map[string]string{"authtype": "app_user", "authid": "ann", "authclaims": `{"scope":"orders.write"}`}}
	ctx := message.Context(t.Context())
	if Subject(ctx) != "ann" || len(Scopes(ctx)) != 0 {
		t.Errorf("the handler sees %q with the scopes %q, want ann without any", Subject(ctx), Scopes(ctx))
	}
	for way, call := range ways {
		if err := call(ctx, conn, valid()); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got.subject != "ann" || got.scopes != "" {
			t.Errorf("%s: the callee sees %+v, want ann without scopes", way, got)
		}
	}
	service := event.Message{Extensions: map[string]string{"authtype": "service_account", "authid": "billing"}}
	if got := Subject(service.Context(t.Context())); got != "" {
		t.Errorf("a service became the end user %q", got)
	}
}
