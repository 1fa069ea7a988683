// Package mask applies the changes of an update request to a resource, following AIP-134.
package mask

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Apply copies from change into resource the fields that paths names. No mask means every field that change sets; the path "*" means
// every field, set or not. Fields named in immutable are the service's own: they stay as they are, also when a path names them
// (AIP-203). Paths name top-level fields; any other is INVALID_ARGUMENT, and then nothing is copied.
//
// What is copied is shared: change must not be used further.
func Apply[M proto.Message](resource, change M, paths *fieldmaskpb.FieldMask, immutable ...string) error {
	dst, src := resource.ProtoReflect(), change.ProtoReflect()
	chosen, err := choose(src, paths.GetPaths())
	if err != nil {
		return err
	}
	keep := make(map[protoreflect.Name]bool, len(immutable))
	for _, name := range immutable {
		keep[protoreflect.Name(name)] = true
	}
	for _, fd := range chosen {
		switch {
		case keep[fd.Name()]:
		case src.Has(fd):
			dst.Set(fd, src.Get(fd))
		default:
			dst.Clear(fd)
		}
	}
	return nil
}

// choose returns the fields that paths name.
func choose(src protoreflect.Message, paths []string) ([]protoreflect.FieldDescriptor, error) {
	fields := src.Descriptor().Fields()
	all := len(paths) == 1 && paths[0] == "*"
	var chosen []protoreflect.FieldDescriptor
	if len(paths) == 0 || all {
		for i := range fields.Len() {
			if fd := fields.Get(i); all || src.Has(fd) {
				chosen = append(chosen, fd)
			}
		}
		return chosen, nil
	}
	for _, path := range paths {
		if strings.Contains(path, ".") {
			return nil, status.Errorf(codes.InvalidArgument, "update_mask: %q: name the whole field, not a part of it", path)
		}
		fd := fields.ByName(protoreflect.Name(path))
		if fd == nil {
			return nil, status.Errorf(codes.InvalidArgument, "update_mask: %s has no field %q", src.Descriptor().Name(), path)
		}
		chosen = append(chosen, fd)
	}
	return chosen, nil
}
