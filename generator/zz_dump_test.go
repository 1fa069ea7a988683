package generator_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
)

func TestZZDump(t *testing.T) {
	for _, name := range []string{"shop", "minimal"} {
		data, _ := os.ReadFile("../testdata/specs/" + name + ".yaml")
		spec, diags := schema.Load("x.yaml", data)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		files, diags, err := generator.Render(context.Background(), spec, generator.Options{})
		if err != nil || diags.HasErrors() {
			t.Fatal(diags, err)
		}
		for _, f := range files {
			p := filepath.Join("/tmp/f-dump", name, f.Path)
			os.MkdirAll(filepath.Dir(p), 0o755)
			os.WriteFile(p, f.Content, 0o644)
		}
	}
}
