package signing

import (
	"sync"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that is wrapped
	"google.golang.org/grpc/mem"
)

// codec is gRPC's own for protobuf that hands over bytes: the digest must be of those on the wire, not of a message that was encoded again, as
// contracts differ while a system is rolled out.
type codec struct {
	encoding.CodecV2
	digests sync.Map // of messages between the codec and the interceptor, by the message
}

func newCodec() *codec { return &codec{CodecV2: encoding.GetCodecV2("proto")} }

// encoded is a message that the client's interceptor has encoded.
type encoded []byte

// plain is a message that a stream receives: nobody asks for its digest.
type plain struct{ message any }

// Marshal implements encoding.CodecV2.
func (c *codec) Marshal(v any) (mem.BufferSlice, error) {
	if data, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(data)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// encode returns the bytes of a message.
func (c *codec) encode(v any) (encoded, error) {
	buffers, err := c.CodecV2.Marshal(v)
	if err != nil {
		return nil, err
	}
	defer buffers.Free()
	return buffers.Materialize(), nil
}

// clientCodec is that of connections: it keeps no digest of answers.
type clientCodec struct{ *codec }

// serverCodec keeps the digest of a request until the interceptor takes it.
type serverCodec struct{ *codec }

// Unmarshal implements encoding.CodecV2.
func (c serverCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if p, ok := v.(plain); ok {
		return c.CodecV2.Unmarshal(data, p.message)
	}
	digest := digestOf(data.Materialize())
	if err := c.CodecV2.Unmarshal(data, v); err != nil {
		return err
	}
	c.digests.Store(v, digest)
	return nil
}

// take returns the digest of a request, once.
func (c *codec) take(v any) string {
	digest, _ := c.digests.LoadAndDelete(v)
	s, _ := digest.(string)
	return s
}
