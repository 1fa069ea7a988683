package proto

import (
	"context"
	"fmt"
	"runtime"
	"sort"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/schema/diag"
)

// Stubs compiles .proto files and returns the Go code that protoc-gen-go and protoc-gen-go-grpc make of them, by path relative to the files'.
// packages gives a file's Go package as protoc's M option does ("example.com/shop/api/x/v1;xv1"), for files whose own go_package does
// not count; it may be nil. Faults of the sources come as findings.
func Stubs(ctx context.Context, files map[string][]byte, packages map[string]string) (map[string][]byte, diag.List, error) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	linked, findings, err := compile.Files(ctx, files, names)
	if err != nil || len(findings) > 0 {
		return nil, findings, err
	}

	// One request a file, with what it imports: so the files can be written at the same time.
	results := make([]map[string][]byte, len(linked))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range linked {
		group.Go(func() error {
			req := request(file, files, packages)
			var err error
			results[i], err = Run(req)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	all := map[string][]byte{}
	for _, r := range results {
		for name, content := range r {
			all[name] = content
		}
	}
	return all, nil, nil
}

// request is what protoc would send to a plugin for one file.
func request(file protoreflect.FileDescriptor, sources map[string][]byte, packages map[string]string) *pluginpb.CodeGeneratorRequest {
	req := &pluginpb.CodeGeneratorRequest{FileToGenerate: []string{file.Path()}, Parameter: proto.String("paths=source_relative")}
	seen := map[string]bool{}
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		imports := fd.Imports()
		for i := range imports.Len() {
			add(imports.Get(i).FileDescriptor)
		}
		d := protodesc.ToFileDescriptorProto(fd)
		if _, ours := sources[fd.Path()]; ours {
			d = compile.Descriptor(fd)
			if pkg := packages[fd.Path()]; pkg != "" {
				d = proto.CloneOf(d)
				if d.Options == nil {
					d.Options = &descriptorpb.FileOptions{}
				}
				d.Options.GoPackage = proto.String(pkg)
			}
		}
		req.ProtoFile = append(req.ProtoFile, d)
	}
	add(file)
	return req
}

// Run answers a request as the two plugins would, one after the other.
func Run(req *pluginpb.CodeGeneratorRequest) (map[string][]byte, error) {
	plugin, err := protogen.Options{}.New(req)
	if err != nil {
		return nil, err
	}
	for _, f := range plugin.Files {
		if f.Generate {
			internal_gengo.GenerateFile(plugin, f)
			grpcFile(plugin, f)
		}
	}
	res := plugin.Response()
	if res.GetError() != "" {
		return nil, fmt.Errorf("stubs: %s", res.GetError())
	}
	files := map[string][]byte{}
	for _, f := range res.GetFile() {
		files[f.GetName()] = []byte(f.GetContent())
	}
	return files, nil
}
