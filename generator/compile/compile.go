// Package compile compiles .proto files in this process: no protoc, no files on disk but the given ones.
package compile

import (
	"context"
	"errors"
	"strings"
	"sync"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate" // imported by generated protos
	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"github.com/bufbuild/protocompile/reporter"
	_ "google.golang.org/genproto/googleapis/api/annotations" // google.api.http and field_behavior
	_ "google.golang.org/genproto/googleapis/type/money"      // google.type.Money
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/emptypb"     // google.protobuf.Empty
	_ "google.golang.org/protobuf/types/known/fieldmaskpb" // google.protobuf.FieldMask

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// Files compiles the given sources, by import path, in the order of names. They may import each other, the well-known types, google.api
// annotations, google.type.Money and buf.validate. Faults of the sources come as findings, each at its place.
func Files(ctx context.Context, sources map[string][]byte, names []string) (linker.Files, diag.List, error) {
	var mu sync.Mutex
	var findings diag.List
	report := func(err reporter.ErrorWithPos) error {
		mu.Lock()
		defer mu.Unlock()
		findings = append(findings, finding(err, sources))
		return nil // go on: several faults in one run
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(asText(sources))},
			protocompile.ResolverFunc(linkedIn),
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
		Reporter:       reporter.NewReporter(report, nil),
	}
	files, err := compiler.Compile(ctx, names...)
	findings.Sort()
	if len(findings) > 0 {
		return nil, findings, nil
	}
	var withPos reporter.ErrorWithPos
	if errors.As(err, &withPos) {
		return nil, diag.List{finding(withPos, sources)}, nil
	}
	return files, nil, err
}

// linkedIn finds the descriptors that are part of this program.
func linkedIn(path string) (protocompile.SearchResult, error) {
	d, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return protocompile.SearchResult{}, err
	}
	return protocompile.SearchResult{Desc: d}, nil
}

func asText(sources map[string][]byte) map[string]string {
	m := make(map[string]string, len(sources))
	for name, content := range sources {
		m[name] = string(content)
	}
	return m
}

func finding(err reporter.ErrorWithPos, sources map[string][]byte) diag.Diagnostic {
	pos := err.GetPosition()
	d := diag.Diagnostic{Severity: diag.Error, Message: strings.TrimSuffix(err.Unwrap().Error(), "."), Path: pos.Filename}
	content, ok := sources[pos.Filename]
	if !ok || pos.Line < 1 {
		return d
	}
	at := source.Pos{Line: pos.Line, Col: pos.Col}
	d.Primary.Span = source.Span{File: source.NewFile(pos.Filename, content), Start: at, End: source.Pos{Line: at.Line, Col: at.Col + 1}}
	return d
}

// Descriptor is a compiled file as protoc would hand it to a plugin.
func Descriptor(f protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	return protoutil.ProtoFromFileDescriptor(f)
}
