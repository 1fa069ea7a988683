package merge

import (
	"go/version"
	"sort"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// GoMod merges go.mod files by what they say. What is in yours stays: your own requirements, replacements, comments and newer versions. What
// the new one adds or raises above the last generated one is taken over; what it needs no more is left for go mod tidy, since your code may have come to
// need it. There are no conflicts. It fails when one of the three is no go.mod.
func GoMod(base, yours, theirs []byte) ([]byte, error) {
	b, err := modfile.Parse("last generated go.mod", base, nil)
	if err != nil {
		return nil, err
	}
	y, err := modfile.Parse("go.mod", yours, nil)
	if err != nil {
		return nil, err
	}
	t, err := modfile.Parse("new go.mod", theirs, nil)
	if err != nil {
		return nil, err
	}
	if b.Module != nil && y.Module != nil && t.Module != nil && b.Module.Mod.Path == y.Module.Mod.Path && b.Module.Mod.Path != t.Module.Mod.Path {
		if err := y.AddModuleStmt(t.Module.Mod.Path); err != nil {
			return nil, err
		}
	}
	if t.Go != nil && (y.Go == nil || version.Compare("go"+t.Go.Version, "go"+y.Go.Version) > 0) {
		if err := y.AddGoStmt(t.Go.Version); err != nil {
			return nil, err
		}
	}
	was := versions(b)
	mine := versions(y)
	var list []*modfile.Require
	for _, r := range y.Require {
		list = append(list, &modfile.Require{Mod: r.Mod, Indirect: r.Indirect})
	}
	changed := false
	for _, r := range t.Require {
		path, needed := r.Mod.Path, r.Mod.Version
		if was[path] == needed {
			continue // nothing new: whatever you made of it stands
		}
		switch have, ok := mine[path]; {
		case !ok:
			list = append(list, &modfile.Require{Mod: module.Version{Path: path, Version: needed}, Indirect: r.Indirect})
			changed = true
		case semver.Compare(have, needed) < 0:
			for _, mine := range list {
				if mine.Mod.Path == path {
					mine.Mod.Version = needed
				}
			}
			changed = true
		}
	}
	if changed {
		y.SetRequireSeparateIndirect(list)
		y.SortBlocks()
	}
	y.Cleanup()
	return y.Format()
}

func versions(f *modfile.File) map[string]string {
	m := map[string]string{}
	for _, r := range f.Require {
		m[r.Mod.Path] = r.Mod.Version
	}
	return m
}

// GoSum merges go.sum files: the checksums of yours and of the new one. One that is needed no more does no harm, and go mod tidy removes it.
func GoSum(yours, theirs []byte) []byte {
	seen := map[string]bool{}
	var lines []string
	for _, content := range [][]byte{yours, theirs} {
		for _, line := range split(content).lines {
			if line = strings.TrimSpace(line); line != "" && !seen[line] {
				seen[line] = true
				lines = append(lines, line)
			}
		}
	}
	sort.Strings(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}
