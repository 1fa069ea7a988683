package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema/edit"
)

// apply writes a plan and says what was done. pruned are the orphans that the plan deletes.
func apply(t term.IO, dir string, plan *generator.Plan, pruned []string) error {
	orphans := warn(t, dir, plan)
	if err := generator.Apply(dir, plan); err != nil {
		var edited *generator.EditedError
		if errors.As(err, &edited) {
			return &exitError{exitFindings, err}
		}
		return err
	}
	for _, path := range plan.Of(generator.Merge) {
		_, _ = fmt.Fprintf(t.Err, "merged %s: your edit and what has changed in its template\n", path)
	}
	for _, path := range plan.Of(generator.Keep) {
		_, _ = fmt.Fprintf(t.Err, "kept %s: you edited it, its template has changed, and they cannot be merged: older markers are left in it, or what it was made from is not in .msgen/base\n", path)
	}
	for _, path := range pruned {
		_, _ = fmt.Fprintf(t.Err, "deleted %s: nothing in the spec asks for it any more\n", path)
	}
	for _, path := range plan.Of(generator.Orphan) {
		_, _ = fmt.Fprintf(t.Err, "left %s: nothing in the spec asks for it any more%s\n", path, orphans[path])
	}
	_, _ = fmt.Fprintln(t.Err, summary(plan))
	if conflicts := plan.Of(generator.Conflict); len(conflicts) > 0 {
		return &exitError{exitFindings, fmt.Errorf("you and the template changed the same lines of %s: choose between the markers; msgen validate finds those that are left",
			strings.Join(conflicts, ", "))}
	}
	return nil
}

// warn says, before anything is written, which of the user's files the plan keeps from building, and returns for each that nothing asks for any
// more what to do with it.
func warn(t term.IO, dir string, plan *generator.Plan) map[string]string {
	orphans := map[string]string{}
	for _, path := range plan.Of(generator.Orphan) {
		orphans[path] = "; delete it when you do not need it, or all such with --prune"
	}
	for _, b := range plan.Breaks(dir) {
		will := "may"
		if b.Sure {
			will = "will"
		}
		if _, ok := orphans[b.Path]; ok {
			orphans[b.Path] = fmt.Sprintf(", and it %s not build (%s): delete it, or all such with --prune", will, b.Reason)
		} else {
			_, _ = fmt.Fprintf(t.Err, "%s %s not build any more: %s\n", b.Path, will, b.Reason)
		}
	}
	return orphans
}

// summary counts what a plan did; what did not happen is left out.
func summary(plan *generator.Plan) string {
	var parts []string
	for _, c := range []struct {
		action generator.Action
		done   string
	}{
		{generator.Create, "created"}, {generator.Update, "updated"}, {generator.Merge, "merged"}, {generator.Conflict, "in conflict"},
		{generator.Keep, "kept"}, {generator.Delete, "deleted"}, {generator.Orphan, "orphaned"},
	} {
		if n := len(plan.Of(c.action)); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.done))
		}
	}
	if !plan.Pending() {
		parts = append([]string{"nothing to write"}, parts...)
	}
	n := len(plan.Lock.Files)
	return fmt.Sprintf("%d %s: %s", n, plural(n, "file"), strings.Join(parts, ", "))
}

func plural(n int, thing string) string {
	if n == 1 {
		return thing
	}
	return thing + "s"
}

// printPlan lists what a plan would do, one file a line.
func printPlan(w io.Writer, plan *generator.Plan) error {
	for _, c := range plan.Changes {
		if c.Action == generator.Unchanged {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-8s %s\n", c.Action, c.Path); err != nil {
			return err
		}
	}
	return nil
}

// printDiff writes what a plan would change as a unified diff that patch -p1 understands. A generated file that was edited by hand is there
// too, though nothing is written before that is resolved: the diff takes the edit back, and so shows it.
func printDiff(w io.Writer, plan *generator.Plan) error {
	for _, c := range plan.Changes {
		switch c.Action {
		case generator.Create, generator.Update, generator.Merge, generator.Conflict, generator.Edited, generator.Delete:
			if _, err := io.WriteString(w, fileDiff(c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileDiff is the unified diff of one file.
func fileDiff(c generator.Change) string {
	const nothing = "/dev/null"
	from, to := "a/"+c.Path, "b/"+c.Path
	if c.Disk == nil {
		from = nothing
	}
	if c.Action == generator.Delete {
		to = nothing
	}
	if bytes.IndexByte(c.Disk, 0) >= 0 || bytes.IndexByte(c.Content, 0) >= 0 {
		return fmt.Sprintf("Binary files %s and %s differ\n", from, to)
	}
	_, hunks, _ := strings.Cut(edit.Diff(c.Path, c.Disk, c.Content), "\n") // the two lines of names that stand in front
	_, hunks, _ = strings.Cut(hunks, "\n")
	return fmt.Sprintf("--- %s\n+++ %s\n%s", from, to, hunks)
}
