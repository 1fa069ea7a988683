// Package mask applies the changes of an update request to a resource, following AIP-134.
package mask

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Apply copies from change into resource the fields that paths names. No mask means every field that change sets; the path "*" means
// every field, set or not. Fields named in immutable are the service's own and stay as they are. Paths name top-level fields;
// an unknown one is INVALID_ARGUMENT.
func Apply(resource, change proto.Message, paths *fieldmaskpb.FieldMask, immutable ...string) error {
	dst, src := resource.ProtoReflect(), change.ProtoReflect()
	keep := make(map[protoreflect.Name]bool, len(immutable))
	for _, name := range immutable {
		keep[protoreflect.Name(name)] = true
	}
	copyField := func(fd protoreflect.FieldDescriptor) {
		switch {
		case keep[fd.Name()]:
		case src.Has(fd):
			dst.Set(fd, src.Get(fd))
		default:
			dst.Clear(fd)
		}
	}
	fields := dst.Descriptor().Fields()
	switch names := paths.GetPaths(); {
	case len(names) == 0:
		src.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			copyField(fd)
			return true
		})
	case len(names) == 1 && names[0] == "*":
		for i := range fields.Len() {
			copyField(fields.Get(i))
		}
	default:
		for _, name := range names {
			fd := fields.ByName(protoreflect.Name(name))
			if fd == nil {
				return status.Errorf(codes.InvalidArgument, "update_mask: %s has no field %q", dst.Descriptor().Name(), name)
			}
			copyField(fd)
		}
	}
	return nil
}
