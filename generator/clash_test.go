package generator_test

import (
	"slices"
	"testing"

	"github.com/msgen-dev/msgen/generator"
)

// A migration of another branch that has the number of one of ours is found, however its number is written. What is another number, no migration or
// the user's own folder is not.
func TestClashes(t *testing.T) {
	const dir = "services/notes/internal/gen/migrations/"
	root := tree(t, map[string]string{
		dir + "00002_notes_pinned.sql": "", dir + "2_mine.sql": "", dir + "00003_mine.sql": "", dir + "00001_tables.txt": "", dir + "x_1.sql": "",
		"db/migrations/00001_mine.sql": "",
	})
	files := []generator.File{
		file(dir+"00001_tables.sql", generator.Yours, "a"), file(dir+"00002_notes_color.sql", generator.Yours, "b"),
		file("platform/outbox/migrations/00001_outbox.sql", generator.Generated, "c"),
	}
	want := []generator.Clash{
		{Path: dir + "00002_notes_pinned.sql", With: dir + "00002_notes_color.sql"},
		{Path: dir + "2_mine.sql", With: dir + "00002_notes_color.sql"},
	}
	for _, when := range []string{"before the run", "after it"} {
		plan := newPlan(t, root, files...)
		if got := plan.Clashes(root); !slices.Equal(got, want) {
			t.Errorf("%s: %v", when, got)
		}
		run(t, root, files...)
	}
	if got := newPlan(t, tree(t, nil), files...).Clashes(tree(t, nil)); len(got) > 0 {
		t.Errorf("in a new system: %v", got)
	}
}
