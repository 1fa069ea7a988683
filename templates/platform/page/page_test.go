package page

import (
	"encoding/base64"
	"math"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestSize(t *testing.T) {
	for requested, want := range map[int32]int{
		math.MinInt32: 50, -1: 50, 0: 50, 1: 1, 50: 50, 1000: 1000, 1001: 1000, math.MaxInt32: 1000,
	} {
		if got := Size(requested); got != want {
			t.Errorf("Size(%d) = %d, want %d", requested, got, want)
		}
	}
}

func TestCursorReadsWhatTokenWrote(t *testing.T) {
	req := listRequest(t, "ListOrders", "ann", 10, "")
	for _, cursor := range []string{"0198c0de-0000-7000-8000-000000000001", "ключ", "a\x00b"} {
		token := Token(cursor, req)
		// The next request carries the token, and may ask for another size.
		got, err := Cursor(token, listRequest(t, "ListOrders", "ann", 20, token))
		if err != nil || got != cursor {
			t.Errorf("Cursor(Token(%q)) = %q, %v", cursor, got, err)
		}
	}
}

func TestEndOfListHasNoToken(t *testing.T) {
	req := listRequest(t, "ListOrders", "ann", 10, "")
	if token := Token("", req); token != "" {
		t.Errorf("token %q", token)
	}
	if cursor, err := Cursor("", req); cursor != "" || err != nil {
		t.Errorf("cursor %q, %v", cursor, err)
	}
}

func TestCursorRefuses(t *testing.T) {
	req := listRequest(t, "ListOrders", "ann", 10, "")
	token := Token("k1", req)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1

	for name, c := range map[string]struct {
		token string
		req   proto.Message
	}{
		"another filter": {token, listRequest(t, "ListOrders", "bob", 10, token)},
		"another method": {token, listRequest(t, "ListInvoices", "ann", 10, token)},
		"altered cursor": {base64.RawURLEncoding.EncodeToString(raw), req},
		"no base64":      {"%%%", req},
		"too short":      {"YWJj", req},
		"only the sum":   {base64.RawURLEncoding.EncodeToString(raw[:sumSize]), req},
	} {
		if cursor, err := Cursor(c.token, c.req); status.Code(err) != codes.InvalidArgument || cursor != "" {
			t.Errorf("%s: %q, %v; want InvalidArgument", name, cursor, err)
		}
	}
}

func TestTokenLeavesTheRequestAlone(t *testing.T) {
	req := listRequest(t, "ListOrders", "ann", 10, "t")
	before := proto.Clone(req)
	Token("k1", req)
	if !proto.Equal(before, req) {
		t.Errorf("request became %v", req)
	}
}

// listRequest is a list method's request, as a contract would declare it.
func listRequest(t *testing.T, name, customer string, size int32, token string) proto.Message {
	t.Helper()
	field := func(name string, number int32, typ descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &typ,
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("list.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String(name), Field: []*descriptorpb.FieldDescriptorProto{
			field("customer", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING),
			field("page_size", 2, descriptorpb.FieldDescriptorProto_TYPE_INT32),
			field("page_token", 3, descriptorpb.FieldDescriptorProto_TYPE_STRING),
		}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(file.Messages().ByName(protoreflect.Name(name)))
	fields := m.Descriptor().Fields()
	m.Set(fields.ByName("customer"), protoreflect.ValueOfString(customer))
	m.Set(fields.ByName("page_size"), protoreflect.ValueOfInt32(size))
	m.Set(fields.ByName("page_token"), protoreflect.ValueOfString(token))
	return m
}
