// Package page holds the size and the tokens of lists (AIP-158).
package page

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// DefaultSize is how many items a page has when the caller does not say.
	DefaultSize = 50
	// MaxSize is the most that a caller gets; asking for more is no error (AIP-158).
	MaxSize = 1000

	sumSize = 12 // bytes of the checksum in a token
)

// Size returns how many items to list for a request's page_size.
func Size(requested int32) int {
	switch {
	case requested <= 0:
		return DefaultSize
	case requested > MaxSize:
		return MaxSize
	default:
		return int(requested)
	}
}

// Token returns the token of the page that follows the item cursor. It holds for requests that are equal to req in all but page_token
// and page_size. An empty cursor, the end of the list, has an empty token.
//
// The token carries a checksum, not a signature: it tells a caller who mixed up requests, and gives no access by itself, because
// what a caller may list does not depend on the cursor.
func Token(cursor string, req proto.Message) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(checksum(cursor, req), cursor...))
}

// Cursor returns the cursor in token, "" for an empty token. The error is InvalidArgument when Token did not make it, or made it for
// another request.
func Cursor(token string, req proto.Message) (string, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= sumSize {
		return "", status.Error(codes.InvalidArgument, "page_token was not given by this method")
	}
	sum, cursor := raw[:sumSize], string(raw[sumSize:])
	if subtle.ConstantTimeCompare(sum, checksum(cursor, req)) == 0 {
		return "", status.Error(codes.InvalidArgument, "page_token belongs to a request with other fields: ask for the first page")
	}
	return cursor, nil
}

// checksum covers the cursor, the request's type and all of its fields but those that change from page to page.
func checksum(cursor string, req proto.Message) []byte {
	req = proto.Clone(req)
	m := req.ProtoReflect()
	for _, name := range []protoreflect.Name{"page_token", "page_size"} {
		if field := m.Descriptor().Fields().ByName(name); field != nil {
			m.Clear(field)
		}
	}
	h := sha256.New()
	for _, part := range []string{string(m.Descriptor().FullName()), cursor} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	// It fails only on text that is not UTF-8, which no request off the wire has; nil then still binds type and cursor.
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	h.Write(raw)
	return h.Sum(nil)[:sumSize]
}
