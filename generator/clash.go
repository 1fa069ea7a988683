package generator

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Clash is a migration that has the number of another, so that neither is run and the service does not start.
type Clash struct {
	Path string // one that msgen does not know, maybe of a branch that was merged
	With string // the one that it has made
}

// Clashes are the migrations below root that have the number of one that the plan has, sorted by path. A folder that cannot be read is passed over.
func (p *Plan) Clashes(root string) []Clash {
	folders := map[string]map[string]string{} // number → path
	for _, c := range p.Changes {
		dir, name := path.Split(c.Path)
		number, ok := migrationNumber(name)
		if !ok || c.rendered == nil || path.Base(dir) != "migrations" || c.Class != Yours {
			continue
		}
		if folders[dir] == nil {
			folders[dir] = map[string]string{}
		}
		folders[dir][number] = c.Path
	}
	var list []Clash
	for dir, made := range folders {
		entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
		if err != nil {
			continue
		}
		for _, e := range entries {
			number, ok := migrationNumber(e.Name())
			if with := made[number]; ok && with != "" && with != dir+e.Name() {
				list = append(list, Clash{dir + e.Name(), with})
			}
		}
	}
	slices.SortFunc(list, func(a, b Clash) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// migrationNumber is what a migration's name begins with, without the zeros in front: they are numbers to what runs them.
func migrationNumber(name string) (string, bool) {
	number, _, ok := strings.Cut(name, "_")
	if !ok || !strings.HasSuffix(name, ".sql") || strings.Trim(number, "0123456789") != "" {
		return "", false
	}
	return strings.TrimLeft(number, "0"), true
}
