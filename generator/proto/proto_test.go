package proto_test

import (
	"path"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/msgen-dev/msgen/generator/proto"
)

// Every file compiles, imports no more than it uses, and lies where its package says.
func TestRenderLayout(t *testing.T) {
	for _, spec := range []string{"../../testdata/specs/shop.yaml", "../../testdata/specs/minimal.yaml", "testdata/kinds.yaml"} {
		sys := build(t, spec)
		sources := proto.Render(sys)
		if len(sources) < 2 {
			t.Fatalf("%s has %d files", spec, len(sources))
		}
		text := map[string]string{}
		for name, content := range sources {
			text[name] = string(content)
		}
		compiler := protocompile.Compiler{
			Resolver: protocompile.CompositeResolver{
				&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(text)},
				protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
					d, err := protoregistry.GlobalFiles.FindFileByPath(path)
					return protocompile.SearchResult{Desc: d}, err
				}),
			},
			Reporter: reporter.NewReporter(nil, func(err reporter.ErrorWithPos) { t.Errorf("%s: warning: %v", spec, err) }),
		}
		for name := range sources {
			files, err := compiler.Compile(t.Context(), name)
			if err != nil {
				t.Fatalf("%s: %v\n%s", spec, err, text[name])
			}
			fd := files[0]
			if want := strings.ReplaceAll(string(fd.Package()), ".", "/"); path.Dir(name) != want {
				t.Errorf("%s has the package %s", name, fd.Package())
			}
			standardNames(t, fd)
		}
	}
}

// standardNames holds what buf's STANDARD rules ask of a file: names of services, requests, responses and enum values.
func standardNames(t *testing.T, fd protoreflect.FileDescriptor) {
	t.Helper()
	for i := range fd.Services().Len() {
		if s := fd.Services().Get(i); !strings.HasSuffix(string(s.Name()), "Service") {
			t.Errorf("%s does not end in Service", s.FullName())
		}
	}
	for i := range fd.Messages().Len() {
		m := fd.Messages().Get(i)
		for j := range m.Enums().Len() {
			e := m.Enums().Get(j)
			if first := string(e.Values().Get(0).Name()); !strings.HasSuffix(first, "_UNSPECIFIED") {
				t.Errorf("%s begins with %s", e.FullName(), first)
			}
		}
	}
}
