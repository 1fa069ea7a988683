// Package compile compiles .proto files in this process: no protoc, no files on disk but the given ones.
package compile

import (
	"bytes"
	"context"
	"errors"
	"sync"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate" // imported by generated protos
	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/parser"
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
	found := &faults{sources: sources, files: map[string]*source.File{}}
	texts := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(asText(sources))}
	files, err := found.compile(ctx, texts, names)
	if len(found.list) == 0 {
		return files, nil, err
	}
	// What a message may not hold hides references that lead nowhere: those are looked for without the former. Errors of syntax hide both.
	if parsed, ok := parse(sources); ok {
		found.imports(parsed)
		if _, err := found.compile(ctx, protocompile.ResolverFunc(parsed.find), names); err != nil {
			return nil, nil, err
		}
	}
	return nil, found.sorted(), nil
}

// compile adds what it finds, and returns an error only when nothing of it tells why there are no files.
func (f *faults) compile(ctx context.Context, sources protocompile.Resolver, names []string) (linker.Files, error) {
	var mu sync.Mutex
	report := func(err reporter.ErrorWithPos) error {
		mu.Lock()
		defer mu.Unlock()
		f.add(err)
		return nil // go on: several faults in one run
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.CompositeResolver{sources, protocompile.ResolverFunc(linkedIn)},
		SourceInfoMode: protocompile.SourceInfoStandard,
		Reporter:       reporter.NewReporter(report, nil),
	}
	files, err := compiler.Compile(ctx, names...)
	var withPos reporter.ErrorWithPos
	if len(f.list) == 0 && errors.As(err, &withPos) {
		f.add(withPos)
	}
	if len(f.list) > 0 {
		return nil, ctx.Err()
	}
	return files, err
}

// trees are sources by import path, read but not checked.
type trees map[string]parser.Result

// parse reads sources without checking what they say; ok is false when one has an error of syntax.
func parse(sources map[string][]byte) (results trees, ok bool) {
	results = trees{}
	for name, content := range sources {
		tree, err := parser.Parse(name, bytes.NewReader(content), reporter.NewHandler(nil)) // ends at the first error
		if err != nil {
			return nil, false
		}
		ignore := reporter.NewReporter(func(reporter.ErrorWithPos) error { return nil }, nil) // they are known
		if results[name], _ = parser.ResultFromAST(tree, false, reporter.NewHandler(ignore)); results[name] == nil {
			return nil, false
		}
	}
	return results, true
}

func (t trees) find(path string) (protocompile.SearchResult, error) {
	if r, ok := t[path]; ok {
		return protocompile.SearchResult{ParseResult: r}, nil
	}
	return protocompile.SearchResult{}, protoregistry.NotFound
}

// imports adds every import that leads nowhere.
func (f *faults) imports(files trees) {
	for _, r := range files {
		for _, decl := range r.AST().Decls {
			n, ok := decl.(*ast.ImportNode)
			if !ok {
				continue
			}
			path := n.Name.AsString()
			if _, ours := files[path]; ours {
				continue
			}
			if _, err := linkedIn(path); err != nil {
				f.add(reporter.Errorf(r.AST().NodeInfo(n.Name), noImport+"%q to import", path))
			}
		}
	}
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

// Descriptor is a compiled file as protoc would hand it to a plugin.
func Descriptor(f protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	return protoutil.ProtoFromFileDescriptor(f)
}
