package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Validate checks a message against the constraints in its contract. The error is InvalidArgument and names every field that breaks one
// in a google.rpc.BadRequest (AIP-193). Constraints that cannot be evaluated are a fault of the contract, and no status.
func Validate(m any) error {
	msg, ok := m.(proto.Message)
	if !ok {
		return nil // another codec's message, such as the bytes of a proxy
	}
	err := protovalidate.Validate(msg)
	if err == nil {
		return nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("validate %s: %w", msg.ProtoReflect().Descriptor().FullName(), err)
	}
	details := &errdetails.BadRequest{}
	texts := make([]string, 0, len(invalid.Violations))
	for _, v := range invalid.Violations {
		field := protovalidate.FieldPathString(v.Proto.GetField())
		details.FieldViolations = append(details.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: field, Description: v.Proto.GetMessage(), Reason: v.Proto.GetRuleId(),
		})
		texts = append(texts, strings.TrimPrefix(field+": "+v.Proto.GetMessage(), ": ")) // a rule on the whole message has no field
	}
	s := status.New(codes.InvalidArgument, strings.Join(texts, "; "))
	detailed, err := s.WithDetails(details)
	if err != nil {
		return s.Err()
	}
	return detailed.Err()
}

func validateUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := Validate(req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func validateStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, validatedStream{stream})
}

// validatedStream checks each message that the client sends.
type validatedStream struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (s validatedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return Validate(m)
}
