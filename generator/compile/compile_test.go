package compile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
)

// Every fault of a file is reported in one run, at its place.
func TestFaults(t *testing.T) {
	for _, name := range []string{"syntax.proto", "link.proto", "mixed.proto", "imports.proto"} {
		t.Run(name, func(t *testing.T) {
			content := read(t, name)
			files, findings, err := compile.Files(context.Background(), map[string][]byte{name: content}, []string{name})
			if err != nil || files != nil {
				t.Fatalf("got files %v and the error %v", files, err)
			}
			if len(findings) == 0 {
				t.Fatal("no findings")
			}
			golden(t, name, findings)
		})
	}
}

// Places are counted in characters, behind a byte order mark and over line ends of every kind too.
func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"\uFEFFsyntax = \"proto3\";\r\npackage a;\r\nmessage M { Gone ä = 1; }\r\n": "a.proto:3:18 invalid character",
		"syntax = \"proto3\";\npackage a;\nmessage M {":                             "a.proto:3:12 syntax error: unexpected end of file",
		"syntax = \"proto3\";\nmessage M {\n\t/* ä */ Gone g = 1;\n}":               "a.proto:3:10 field M.g: unknown type Gone",
	} {
		_, findings, err := compile.Files(context.Background(), map[string][]byte{"a.proto": []byte(text)}, []string{"a.proto"})
		if err != nil || len(findings) != 1 {
			t.Errorf("%q: got %v, %v", text, findings, err)
			continue
		}
		if got := findings[0].Primary.Span.String() + " " + findings[0].Message; got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// A file with nothing wrong compiles, with what it imports.
func TestSound(t *testing.T) {
	content, err := os.ReadFile("../../testdata/specs/contract-first/proto/rates.proto")
	if err != nil {
		t.Fatal(err)
	}
	files, findings, err := compile.Files(context.Background(), map[string][]byte{"rates.proto": content}, []string{"rates.proto"})
	if err != nil || len(findings) > 0 || len(files) != 1 || files[0].Services().Len() != 1 {
		t.Errorf("got %v, %v, %v", files, findings, err)
	}
}

func TestContracts(t *testing.T) {
	spec, list := schema.Load("msgen.yaml", read(t, "msgen.yaml"))
	if len(list) > 0 {
		t.Fatal(list)
	}
	texts, findings, err := compile.Contracts(context.Background(), spec, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join("testdata", name))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) != 3 || texts["syntax.proto"] == nil || texts["mixed.proto"] == nil {
		t.Errorf("got the texts of %d files", len(texts))
	}
	golden(t, "contracts", findings)
}

// What the system says of a file that it cannot read is said, without the path by which it was read.
func TestContractsUnreadable(t *testing.T) {
	spec, _ := schema.Load("msgen.yaml", read(t, "msgen.yaml"))
	_, findings, err := compile.Contracts(context.Background(), spec, func(name string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: "/secret/" + name, Err: errors.New("is a directory")}
	})
	if err != nil || len(findings) != 5 {
		t.Fatalf("got %v, %v", findings, err)
	}
	if got, want := findings[0].Message, "syntax.proto cannot be read: is a directory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func golden(t *testing.T, name string, findings diag.List) {
	t.Helper()
	diagtest.Golden(t, filepath.Join("testdata", name+".golden"), diagtest.Render(t, findings))
}
