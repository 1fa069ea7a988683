package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/schema/edit"
)

// recoverTree finishes what a killed run had begun, and names the files that it had to leave where nothing asks for them.
func recoverTree(t term.IO, dir string) error {
	stranded, err := generator.Recover(dir)
	for _, s := range stranded {
		builds := ""
		if strings.HasSuffix(s.Path, ".go") {
			builds = ", and it may not build"
		}
		_, _ = fmt.Fprintf(t.Err, "left %s: it was to go to %s, where another has been put since%s\n", s.Path, s.To, builds)
	}
	return err
}

// apply writes a plan and says what was done. pruned are the orphans that the plan deletes.
func apply(t term.IO, dir string, plan *generator.Plan, pruned []string) error {
	orphans := warn(t, dir, plan)
	lockChanges, err := plan.LockChanges(dir)
	if err != nil {
		return err
	}
	if n := pending(plan); n > 0 {
		t.Doing("writing %d %s", n, plural(n, "file"))
		defer t.Done()
	}
	if err := generator.Apply(dir, plan); err != nil {
		var edited *generator.EditedError
		var blocked *generator.BlockedError
		if errors.As(err, &edited) || errors.As(err, &blocked) {
			return &exitError{exitFindings, err}
		}
		return err
	}
	for _, c := range plan.Changes {
		if c.From != "" {
			_, _ = fmt.Fprintf(t.Err, "moved %s to %s\n", c.From, c.Path)
		}
		if len(c.Imports) > 0 {
			_, _ = fmt.Fprintf(t.Err, "rewrote imports in %s: %s\n", c.Path, strings.Join(c.Imports, ", "))
		}
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
	_, _ = fmt.Fprintln(t.Err, summary(plan, lockChanges))
	if conflicts := plan.Of(generator.Conflict); len(conflicts) > 0 {
		return &exitError{exitFindings, fmt.Errorf("you and the template changed the same lines of %s: choose between the markers; msgen validate finds those that are left",
			strings.Join(conflicts, ", "))}
	}
	return nil
}

// warn says, before anything is written, which of the user's files the plan keeps from building, and returns for each that nothing asks for any
// more what to do with it. It also says what somebody has to see to when renamed parts are deployed.
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
	for _, c := range plan.Clashes(dir) {
		_, _ = fmt.Fprintf(t.Err, "%s has the number of %s, and neither will be run: if it comes from a branch that was merged, its changes are in the next migration, so delete it; else give it another number\n",
			c.Path, c.With)
	}
	for _, line := range plan.Advice() {
		_, _ = fmt.Fprintf(t.Err, "when you deploy: %s\n", line)
	}
	return orphans
}

// summary counts what a plan did; what did not happen is left out. That the lock has changed is said when nothing else has.
func summary(plan *generator.Plan, lockChanges bool) string {
	var parts []string
	for _, c := range []struct {
		action generator.Action
		done   string
	}{
		{generator.Create, "created"}, {generator.Update, "updated"}, {generator.Move, "moved"}, {generator.Rewrite, "with other imports"}, {generator.Merge, "merged"}, {generator.Conflict, "in conflict"},
		{generator.Keep, "kept"}, {generator.Delete, "deleted"}, {generator.Orphan, "orphaned"},
	} {
		if n := len(plan.Of(c.action)); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.done))
		}
	}
	switch {
	case plan.Pending():
	case lockChanges:
		parts = append([]string{"only " + lock.Name + " updated"}, parts...)
	default:
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
		name := c.Path
		if c.From != "" {
			name = c.From + " to " + c.Path
		}
		if _, err := fmt.Fprintf(w, "%-8s %s\n", c.Action, name); err != nil {
			return err
		}
	}
	return nil
}

// printDiff writes what a plan would change as a unified diff that patch -p1 understands. A generated file that was edited by hand is there
// too, though nothing is written before that is resolved: the diff takes the edit back, and so shows it.
func printDiff(w io.Writer, plan *generator.Plan) error {
	for _, c := range plan.Changes {
		if c.From != "" && c.Action != generator.Blocked || c.Content != nil || c.Action == generator.Delete {
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
	moved := ""
	if c.From != "" {
		from = "a/" + c.From
		moved = fmt.Sprintf("diff --git %s %s\nrename from %s\nrename to %s\n", from, to, c.From, c.Path)
		if c.Content == nil || bytes.Equal(c.Disk, c.Content) {
			return moved
		}
	}
	if bytes.IndexByte(c.Disk, 0) >= 0 || bytes.IndexByte(c.Content, 0) >= 0 {
		return fmt.Sprintf("Binary files %s and %s differ\n", from, to)
	}
	_, hunks, _ := strings.Cut(edit.Diff(c.Path, c.Disk, c.Content), "\n") // the two lines of names that stand in front
	_, hunks, _ = strings.Cut(hunks, "\n")
	return fmt.Sprintf("%s--- %s\n+++ %s\n%s", moved, from, to, hunks)
}
