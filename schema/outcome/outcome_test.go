package outcome_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/outcome"
)

// ways are the ways of all sagas of a spec, a line each, and what is wrong with them.
func ways(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	spec, list := schema.Load(name, content)
	if list.HasErrors() {
		t.Fatal(diagtest.Render(t, list))
	}
	failure := map[outcome.Failure]string{outcome.None: "all done", outcome.Refused: "refused", outcome.Unanswered: "unanswered"}
	kind := map[outcome.FaultKind]string{outcome.NeverDone: "never done", outcome.NotUndone: "not undone", outcome.NotEnded: "not ended", outcome.NotChanged: "not changed"}
	var b strings.Builder
	for _, saga := range spec.Sagas {
		paths, faults := outcome.Of(saga)
		for _, p := range paths {
			b.WriteString(failure[p.Failure])
			if p.Failed != nil {
				b.WriteString(" " + p.Failed.Name.V)
			}
			for _, u := range p.Undone {
				b.WriteString(", " + u.Name.V)
			}
			fmt.Fprintf(&b, " -> %s", p.End)
			for _, l := range p.Leaves {
				fmt.Fprintf(&b, "; %s %s", l.Aggregate.Name.V, strings.Join(l.States, "|"))
			}
			b.WriteString("\n")
		}
		for _, f := range faults {
			fmt.Fprintf(&b, "%s: %s in %s", kind[f.Kind], f.Command.Name.V, f.State)
			if f.Other != nil {
				fmt.Fprintf(&b, " by %s", f.Other.Name.V)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestOf(t *testing.T) {
	for _, name := range []string{"specs/shop", "specs/choreography", "rules/MSG218/fail", "rules/MSG219/fail"} {
		diagtest.Golden(t, filepath.Join("testdata", strings.ReplaceAll(name, "/", "-")+".golden"), ways(t, "../../testdata/"+name+".yaml"))
	}
}

// Whatever a saga looks like, every command of it fails once by a refusal, and every step once without an answer; nothing is left out.
func TestAllWays(t *testing.T) {
	files, err := filepath.Glob("../../testdata/specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	sagas := 0
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		spec, _ := schema.Load(name, content) // also the bad ones: it must not fall over
		for _, saga := range spec.Sagas {
			sagas++
			paths, _ := outcome.Of(saga)
			got := map[*schema.MethodRef]int{}
			for _, p := range paths {
				got[p.Failed]++
			}
			want := map[*schema.MethodRef]int{nil: 1}
			for _, step := range saga.Steps {
				want[&step.Invoke] = 2
				if step.Compensate != nil {
					want[step.Compensate] = 1
				}
			}
			if saga.OnFailure != nil {
				want[saga.OnFailure] = 1
			}
			for ref, n := range want {
				if got[ref] != n {
					t.Errorf("%s, %s: %d ways where %v fails, want %d", name, saga.Name.V, got[ref], ref, n)
				}
			}
		}
	}
	if sagas < 3 {
		t.Errorf("only %d sagas", sagas)
	}
}
