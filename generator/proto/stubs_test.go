package proto_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	gproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/generator/proto"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

// build builds an example's models.
func build(t testing.TB, path string) *view.System {
	t.Helper()
	spec, findings, err := schema.ReadFile(path)
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	sys, findings := view.Build(spec, view.Options{})
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	return sys
}

// written are the hand-written protos, by import path.
func written(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"every", "other", "editions"} {
		content, err := os.ReadFile("testdata/" + name + ".proto")
		if err != nil {
			t.Fatal(err)
		}
		files["test/"+name+".proto"] = content
	}
	return files
}

// request is what protoc sends to a plugin for all the files at once. It is made without the package's own code.
func request(t testing.TB, sources map[string][]byte, version *pluginpb.Version) *pluginpb.CodeGeneratorRequest {
	t.Helper()
	var names []string
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	files, findings, err := compile.Files(t.Context(), sources, names)
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	req := &pluginpb.CodeGeneratorRequest{FileToGenerate: names, Parameter: gproto.String("paths=source_relative"), CompilerVersion: version}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		if _, ours := sources[fd.Path()]; ours {
			req.ProtoFile = append(req.ProtoFile, compile.Descriptor(fd))
			return
		}
		req.ProtoFile = append(req.ProtoFile, protodesc.ToFileDescriptorProto(fd))
	}
	for _, f := range files {
		add(f)
	}
	return req
}

// plugins builds the official plugins at the versions of go.mod and returns their paths.
func plugins(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, pkg := range []string{"google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"} {
		bin := filepath.Join(dir, filepath.Base(pkg))
		if runtime.GOOS == "windows" {
			bin += ".exe"
		}
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, pkg).CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, out)
		}
		paths = append(paths, bin)
	}
	return paths
}

// official is what the plugins make of a request.
func official(t *testing.T, plugins []string, req *pluginpb.CodeGeneratorRequest) map[string][]byte {
	t.Helper()
	in, err := gproto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, plugin := range plugins {
		cmd := exec.CommandContext(t.Context(), plugin)
		cmd.Stdin = bytes.NewReader(in)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", plugin, err, stderr.String())
		}
		var res pluginpb.CodeGeneratorResponse
		if err := gproto.Unmarshal(out, &res); err != nil {
			t.Fatal(err)
		}
		if res.GetError() != "" {
			t.Fatalf("%s: %s", plugin, res.GetError())
		}
		for _, f := range res.GetFile() {
			files[f.GetName()] = []byte(f.GetContent())
		}
	}
	return files
}

// The stubs are, byte for byte, what the official plugins write.
func TestStubsEqualPlugins(t *testing.T) {
	bins := plugins(t)
	for name, sources := range map[string]map[string][]byte{
		"shop":    proto.Render(build(t, "../../testdata/specs/shop.yaml")),
		"minimal": proto.Render(build(t, "../../testdata/specs/minimal.yaml")),
		"written": written(t),
	} {
		t.Run(name, func(t *testing.T) {
			want := official(t, bins, request(t, sources, nil))
			got, findings, err := proto.Stubs(t.Context(), sources, nil)
			if err != nil || findings.HasErrors() {
				t.Fatal(err, findings)
			}
			same(t, got, want)
		})
	}

	// protoc's version is in the header; the plugins write it in their own ways.
	for _, version := range []*pluginpb.Version{
		{Major: gproto.Int32(6), Minor: gproto.Int32(31), Patch: gproto.Int32(1)},
		{Major: gproto.Int32(6), Minor: gproto.Int32(32), Patch: gproto.Int32(0), Suffix: gproto.String("rc2")},
	} {
		req := request(t, written(t), version)
		got, err := proto.Run(req)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, official(t, bins, req))
	}
}

func same(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("the plugins wrote nothing")
	}
	for name, content := range want {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s differs:\n%s", name, difference(got[name], content))
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("the plugins do not write %s", name)
		}
	}
}

// difference is the first line in which two texts differ.
func difference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		a, b := "(end)", "(end)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return "got:  " + a + "\nwant: " + b
		}
	}
	return "nothing"
}

// Packages given from outside win over a file's own, as protoc's M option does.
func TestStubsPackages(t *testing.T) {
	sources := map[string][]byte{
		"a/a.proto": []byte("syntax = \"proto3\";\npackage a;\nimport \"b/b.proto\";\nmessage A { b.B b = 1; }\nservice S { rpc Do(A) returns (b.B); }\n"),
		"b/b.proto": []byte("syntax = \"proto3\";\npackage b;\noption go_package = \"elsewhere.org/b\";\nmessage B {}\n"),
	}
	got, findings, err := proto.Stubs(t.Context(), sources, map[string]string{"a/a.proto": "example.com/x/a/v1;av1", "b/b.proto": "example.com/x/b/v1;bv1"})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	for name, want := range map[string]string{"a/a.pb.go": "\npackage av1\n", "b/b.pb.go": "\npackage bv1\n", "a/a_grpc.pb.go": `"example.com/x/b/v1"`} {
		if !bytes.Contains(got[name], []byte(want)) {
			t.Errorf("%s does not have %q:\n%s", name, want, got[name])
		}
	}
	if got["b/b_grpc.pb.go"] != nil {
		t.Error("a file without a service has gRPC stubs")
	}
}

// Faults of the sources come as findings with positions.
func TestStubsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		text, message string
		line, col     int
	}{
		"syntax":       {"syntax = \"proto3\";\nmessage A {\n  int32 x 1;\n}\n", "syntax error", 3, 10},
		"unknown type": {"syntax = \"proto3\";\nmessage A {\n  Missing m = 1;\n}\n", "unknown type Missing", 3, 3},
		"number twice": {"syntax = \"proto3\";\nmessage A {\n  int32 m = 1;\n  int32 x = 1;\n}\n", "same tag 1", 4, 13},
		"import":       {"syntax = \"proto3\";\nimport \"gone.proto\";\nmessage A {}\n", "gone.proto", 2, 8},
	} {
		t.Run(name, func(t *testing.T) {
			files, findings, err := proto.Stubs(t.Context(), map[string][]byte{"a.proto": []byte(c.text)}, nil)
			if err != nil || files != nil || !findings.HasErrors() {
				t.Fatal(files, findings, err)
			}
			span := findings[0].Primary.Span
			if span.File == nil || span.File.Name != "a.proto" || span.Start.Line != c.line || span.Start.Col != c.col {
				t.Errorf("position is %v, want a.proto:%d:%d", span, c.line, c.col)
			}
			if !strings.Contains(findings[0].Message, c.message) {
				t.Errorf("message is %q, want one with %q", findings[0].Message, c.message)
			}
		})
	}
	// Go stubs need a Go package: a file without one is the caller's fault.
	if _, _, err := proto.Stubs(t.Context(), map[string][]byte{"a.proto": []byte("syntax = \"proto3\";\nmessage A {}\n")}, nil); err == nil {
		t.Error("a file without a Go package has stubs")
	}
}
