package resilience

import (
	"context"
	"crypto/sha256"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

// LastGood keeps the last good answer for each of the requests last made, to answer from when the service cannot. An answer has no age
// limit: it is for what is better stale than missing. It is kept apart for each user, who may see what others may not.
type LastGood[Res proto.Message] struct {
	answers *lru.Cache[key, []byte] // encoded, so that nobody changes one that others get
}

type key [sha256.Size]byte

// NewLastGood returns a store of size answers, at least one; the one not asked for the longest gives way.
func NewLastGood[Res proto.Message](size int) *LastGood[Res] {
	answers, err := lru.New[key, []byte](max(size, 1))
	if err != nil {
		panic(err) // it refuses sizes below 1 and nothing else
	}
	return &LastGood[Res]{answers}
}

// Store keeps res as the answer to req. What cannot be encoded is not kept.
func (l *LastGood[Res]) Store(ctx context.Context, req proto.Message, res Res) {
	k, err := keyOf(ctx, req)
	if err != nil {
		return
	}
	if raw, err := proto.Marshal(res); err == nil {
		l.answers.Add(k, raw)
	}
}

// Fallback returns the answer kept for req, or cause when there is none. Its method value is a fallback for Call.
func (l *LastGood[Res]) Fallback(ctx context.Context, req proto.Message, cause error) (Res, error) {
	var none Res
	k, err := keyOf(ctx, req)
	if err != nil {
		return none, cause
	}
	raw, found := l.answers.Get(k)
	if !found {
		return none, cause
	}
	res, isRes := none.ProtoReflect().New().Interface().(Res) // a nil message still knows its type
	if !isRes || proto.Unmarshal(raw, res) != nil {
		return none, cause
	}
	return res, nil
}

// WithLastGood returns call with its good answers kept in l.
func WithLastGood[Req, Res proto.Message](
	l *LastGood[Res], call func(context.Context, Req, ...grpc.CallOption) (Res, error),
) func(context.Context, Req, ...grpc.CallOption) (Res, error) {
	return func(ctx context.Context, req Req, opts ...grpc.CallOption) (Res, error) {
		res, err := call(ctx, req, opts...)
		if err == nil {
			l.Store(ctx, req, res)
		}
		return res, err
	}
}

// keyOf is one for equal requests of the same user.
func keyOf(ctx context.Context, req proto.Message) (key, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return key{}, err
	}
	user := rpc.Subject(ctx) + "\x00" + strings.Join(rpc.Scopes(ctx), " ") + "\x00"
	return sha256.Sum256(append([]byte(user), raw...)), nil
}
