package generator_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/migration"
)

// renamed plans what a text of msgen.yaml makes of a folder, as the command does.
func renamed(t *testing.T, root, text string) *generator.Plan {
	t.Helper()
	return renamedContracts(t, root, text, nil)
}

// renamedContracts is renamed for a spec with contract-first files.
func renamedContracts(t *testing.T, root, text string, protos map[string][]byte) *generator.Plan {
	t.Helper()
	spec, old := load(t, text), readLock(t, root)
	renames, findings := generator.NewRenames(spec, protos, old)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	history, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(migration.File)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	files, findings, err := generator.Render(t.Context(), spec, generator.Options{Protos: protos, Numbers: old.Numbers, History: history, Renames: renames})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	plan, err := generator.NewPlan(root, files, old, "v1.2.3", "digest")
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Follow(root, renames); err != nil {
		t.Fatal(err)
	}
	return plan
}

// generated is the system of an example in a new folder, and the example's text.
func generated(t *testing.T, name string) (root, text string) {
	t.Helper()
	content, err := os.ReadFile("../testdata/specs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	root = tree(t, nil)
	apply(t, root, renamed(t, root, string(content)))
	return root, string(content)
}

func apply(t *testing.T, root string, plan *generator.Plan) {
	t.Helper()
	if err := generator.Apply(root, plan); err != nil {
		t.Fatal(err)
	}
}

func swap(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("there is no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// change is the change of a path.
func change(t *testing.T, plan *generator.Plan, path string) generator.Change {
	t.Helper()
	i := slices.IndexFunc(plan.Changes, func(c generator.Change) bool { return c.Path == path })
	if i < 0 {
		t.Fatalf("the plan has no %s", path)
	}
	return plan.Changes[i]
}

// Every renamedFrom counts: what is generated under the name of before moves, and would be left behind without the key.
func TestRenamedFromCounts(t *testing.T) {
	for name, c := range map[string]struct {
		key      []string
		from, to string
		number   string
	}{
		"service": {
			[]string{"  payments:\n", "  money:\n    renamedFrom: payments\n", "payments.", "money."},
			"services/payments/void_payment.go", "services/money/void_payment.go", "shop.money.v1.Payment",
		},
		"method": {
			[]string{"      QuoteOrder:\n", "      PriceOrder:\n        renamedFrom: QuoteOrder\n", "pricing.QuoteOrder", "pricing.PriceOrder"},
			"services/pricing/quote_order.go", "services/pricing/price_order.go", "shop.pricing.v1.PriceOrderRequest",
		},
		"event": {
			[]string{"OrderRejected: ", "OrderRefused: ", "OrderRejected,", "OrderRefused,", "[OrderRejected]", "[OrderRefused]", "{key: order_id, fields: {order_id: uuid, reason", "{renamedFrom: OrderRejected, key: order_id, fields: {order_id: uuid, reason"},
			"services/notifications/on_order_rejected.go", "services/notifications/on_order_refused.go", "shop.events.v1.OrderRefused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, text := generated(t, "shop")
			text = swap(t, text, c.key...)
			if got := change(t, renamed(t, root, text), c.to); got.Action != generator.Move || got.From != c.from {
				t.Errorf("%s: %s from %s", c.to, got.Action, got.From)
			}
			at := strings.Index(text, "renamedFrom: ")
			end := at + strings.IndexAny(text[at:], ",\n")
			without := text[:at] + text[end:]
			if text[end] == ',' {
				without = text[:at] + text[end+2:]
			}
			if plan := renamed(t, root, without); change(t, plan, c.to).Action != generator.Create || change(t, plan, c.from).Action != generator.Orphan {
				t.Error("without the key it moves as well")
			}

			put(t, root, c.from, "package main // mine\n")
			before := readLock(t, root).Numbers
			apply(t, root, renamed(t, root, text))
			if got := snapshot(t, root); got[c.to] != "package main // mine\n" || got[c.from] != "" {
				t.Errorf("it has become %q", got[c.to])
			}
			if after := readLock(t, root).Numbers; after[c.number] == nil || len(after) != len(before) {
				t.Errorf("the numbers do not follow: %d were %d", len(after), len(before))
			}
			if plan := renamed(t, root, text); plan.Pending() {
				t.Errorf("a second run has something to do: %v", plan.Of(generator.Move))
			}
		})
	}
}

// What the user has beside the generated files of a service moves along, whatever it is; what he has taken away stays away, and what was left behind
// before goes along as what it was.
func TestFolderMoves(t *testing.T) {
	root, text := generated(t, "minimal")
	orphaned := swap(t, text, "      GetNote:    {http: \"GET /v1/notes/{id}\", reads: Note, scopes: [notes.read]}\n", "")
	put(t, root, "services/notes/get_note.go", "package main // mine\n")
	apply(t, root, renamed(t, root, orphaned))
	put(t, root, "services/notes/testdata/_x/data.bin", "\x00\x01")
	put(t, root, "services/notes/broken.go", "package")
	drop(t, root, "services/notes/list_notes.go")
	put(t, root, "lib/lib.go", "package lib\n\nimport _ \"example.com/notebook/services/notes\"\nimport _ \"example.com/notebook/services/notesies\"\n")
	if err := os.Chmod(filepath.Join(root, "services", "notes", "broken.go"), 0o700); err != nil {
		t.Fatal(err)
	}
	apply(t, root, renamed(t, root, swap(t, orphaned, "  notes:\n", "  jottings:\n    renamedFrom: notes\n")))

	got := snapshot(t, root)
	for name, want := range map[string]string{
		"services/jottings/get_note.go":          "package main // mine\n",
		"services/jottings/testdata/_x/data.bin": "\x00\x01",
		"services/jottings/broken.go":            "package",
		"lib/lib.go":                             "package lib\n\nimport _ \"example.com/notebook/services/jottings\"\nimport _ \"example.com/notebook/services/notesies\"\n",
	} {
		if got[name] != want {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if got["services/jottings/list_notes.go"] != "" {
		t.Error("a file that its user deleted is back")
	}
	if info, err := os.Stat(filepath.Join(root, "services", "jottings", "broken.go")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the mode is not what it was: %v %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(root, "services", "notes")); !os.IsNotExist(err) {
		t.Errorf("the old folder is still there: %v", err)
	}
	if e, ok := readLock(t, root).Entry("services/jottings/get_note.go"); !ok || !e.Orphan {
		t.Errorf("the orphan is forgotten: %+v %t", e, ok)
	}
	if e, ok := readLock(t, root).Entry("services/jottings/list_notes.go"); !ok || e.Class != "yours" {
		t.Errorf("the deleted file is forgotten: %+v %t", e, ok)
	}
}

// A generated file that was edited stops a rename as it stops any run, and what would be moved over something else is named; nothing is written.
func TestRenameRefuses(t *testing.T) {
	rename := []string{"  notes:\n", "  jottings:\n    renamedFrom: notes\n"}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"edited":  {map[string]string{"services/notes/internal/gen/gen.go": "package gen // mine\n"}, []string{"edited by hand", "services/notes/internal/gen/gen.go"}},
		"a file":  {map[string]string{"services/jottings/service.go": "package main\n"}, []string{"nothing was written", "services/notes/service.go to services/jottings/service.go"}},
		"a stray": {map[string]string{"services/notes/a.go": "package main\n", "services/jottings/a.go": ""}, []string{"services/notes/a.go to services/jottings/a.go"}},
		"two to one place": {
			map[string]string{"services/notes/jottings_test.go": "package main\n"}, []string{"services/notes/jottings_test.go to services/jottings/jottings_test.go"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, text := generated(t, "minimal")
			for name, content := range c.files {
				put(t, root, name, content)
			}
			want := snapshot(t, root)
			plan := renamed(t, root, swap(t, text, rename...))
			if !plan.Pending() {
				t.Error("there is nothing to do")
			}
			if changes, err := plan.LockChanges(root); changes || err != nil {
				t.Error("the lock would change", err)
			}
			err := generator.Apply(root, plan)
			if err == nil {
				t.Fatal("it is done all the same")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v, want %q in it", err, part)
				}
			}
			equal(t, snapshot(t, root), want)
		})
	}
}

// Two parts that were both there cannot become one.
func TestRenameOfBoth(t *testing.T) {
	root, text := generated(t, "minimal")
	for name, pairs := range map[string][]string{
		"services.audit.renamedFrom": {
			text[strings.Index(text, "  notes:\n"):strings.Index(text, "  audit:\n")], "",
			"  audit:\n", "  audit:\n    renamedFrom: notes\n", "    receives:\n      NoteCreated: {creates: Entry}\n", "",
			text[strings.Index(text, "events:\n"):strings.Index(text, "gateway:\n")], "",
		},
		"services.notes.api.GetNote.renamedFrom": {
			"      ListNotes:  {http: GET /v1/notes, lists: Note, scopes: [notes.read]}\n", "", "GetNote:    {", "GetNote:    {renamedFrom: ListNotes, ",
		},
	} {
		spec := load(t, swap(t, text, pairs...))
		_, findings := generator.NewRenames(spec, nil, readLock(t, root))
		if len(findings) != 1 || findings[0].Path != name || findings[0].Help == "" || findings[0].Primary.Span.IsZero() {
			t.Errorf("%s: %+v", name, findings)
		}
	}
}

// The module and a service can get other names in one run: imports then have both.
func TestModuleAndServiceRenamed(t *testing.T) {
	root, text := generated(t, "minimal")
	const file = "package main\n\nimport \"example.com/notebook/api/notebook/notes/v1\"\n\nvar _ notesv1.Note\n"
	put(t, root, "services/notes/mine.go", file)
	apply(t, root, renamed(t, root, swap(t, text, "  notes:\n", "  jottings:\n    renamedFrom: notes\n", "system: notebook\n", "system: notebook\nmodule: example.com/other\n")))
	if got := snapshot(t, root)["services/jottings/mine.go"]; got != strings.Replace(file, `"example.com/notebook/api/notebook/notes/v1"`, `notesv1 "example.com/other/api/notebook/jottings/v1"`, 1) {
		t.Errorf("it is %q", got)
	}
}

// A merged file moves with what it was made from, and is merged in its new place.
func TestMergedMoves(t *testing.T) {
	for name, c := range map[string]struct {
		disk, now, want string
		action          generator.Action
	}{
		"as written":      {"1\n2\n3\n", "1\n2\n3\n", "1\n2\n3\n", generator.Move},
		"the template's":  {"1\n2\n3\n", "one\n2\n3\n", "one\n2\n3\n", generator.Move},
		"edited":          {"1\n2\n3\nmine\n", "1\n2\n3\n", "1\n2\n3\nmine\n", generator.Move},
		"merged":          {"1\n2\n3\nmine\n", "one\n2\n3\n", "one\n2\n3\nmine\n", generator.Merge},
		"in conflict":     {"mine\n2\n3\n", "one\n2\n3\n", "", generator.Conflict},
		"met the new one": {"one\n2\n3\n", "one\n2\n3\n", "one\n2\n3\n", generator.Move},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, nil)
			run(t, root, file("old/m.txt", generator.Merged, "1\n2\n3\n"), file("old/y.txt", generator.Yours, "y"))
			put(t, root, "old/m.txt", c.disk)
			drop(t, root, "old/y.txt")
			now := []generator.File{file("new/m.txt", generator.Merged, c.now), file("new/y.txt", generator.Yours, "y")}
			now[0].From, now[1].From = "old/m.txt", "old/y.txt"
			plan := run(t, root, now...)
			if got := change(t, plan, "new/m.txt"); got.Action != c.action || got.From != "old/m.txt" {
				t.Errorf("%s from %s", got.Action, got.From)
			}
			got := snapshot(t, root)
			if c.want != "" && got["new/m.txt"] != c.want {
				t.Errorf("it is %q", got["new/m.txt"])
			}
			if got[".msgen/base/new/m.txt"] != c.now || got[".msgen/base/old/m.txt"] != "" || got["new/y.txt"] != "" || got["old/m.txt"] != "" {
				t.Errorf("there are %v", got)
			}
			if plan := newPlan(t, root, now...); plan.Pending() {
				t.Errorf("a second run has something to do: %+v", plan.Changes)
			}
		})
	}
}

// The tables and columns of a renamed aggregate and its fields are renamed, and would come anew without the key.
func TestRenamedFromCountsInTables(t *testing.T) {
	for name, c := range map[string]struct {
		key           []string
		with, without string
	}{
		"aggregate": {
			[]string{"      Entry: {", "      Record: {renamedFrom: Entry, ", "creates: Entry", "creates: Record", "lists: Entry", "lists: Record"},
			"ALTER TABLE entries RENAME TO records;\n", "CREATE TABLE records (",
		},
		"field": {
			[]string{"Entry: {fields: {note_id: uuid, title: string}}", "Entry: {fields: {note_id: uuid, headline: {renamedFrom: title, type: string}}}"},
			"ALTER TABLE entries RENAME COLUMN title TO headline;\n", "ADD COLUMN headline",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, text := generated(t, "minimal")
			text = swap(t, text, c.key...)
			migration := func(text string) string {
				for _, change := range renamed(t, root, text).Changes {
					if strings.HasPrefix(change.Path, "services/audit/internal/gen/migrations/00002_") {
						return string(change.Content)
					}
				}
				return ""
			}
			if with := migration(text); !strings.Contains(with, c.with) || strings.Contains(with, c.without) {
				t.Errorf("with the key:\n%s", with)
			}
			at := strings.Index(text, "renamedFrom: ")
			if without := migration(text[:at] + text[at+strings.Index(text[at:], ",")+2:]); strings.Contains(without, "RENAME") || !strings.Contains(without, c.without) {
				t.Errorf("without it:\n%s", without)
			}
		})
	}
}

// A contract-first service keeps its package: only the name that Go gives it changes, and a file that goes by that one gets it as an alias.
func TestContractFirstRenamed(t *testing.T) {
	const dir = "../testdata/specs/contract-first/"
	content, err := os.ReadFile(dir + "msgen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	contract, err := os.ReadFile(dir + "proto/rates.proto")
	if err != nil {
		t.Fatal(err)
	}
	root, text := tree(t, nil), string(content)
	apply(t, root, renamedContracts(t, root, text, map[string][]byte{"proto/rates.proto": contract}))
	put(t, root, "services/rates/mine.go", "package main\n\nimport \"example.com/contract-first/api/bank/rates/v1\"\n\nvar _ ratesv1.Rate\n")
	put(t, root, "services/rates/get_rate.go", snapshotOf(t, root, "services/rates/get_rate.go")+"// mine\n")
	text = swap(t, text, "  rates:\n", "  prices:\n    renamedFrom: rates\n", "rates.GetRate", "prices.GetRate", "Convert: {", "Change: {renamedFrom: Convert, ")
	protos := map[string][]byte{"proto/rates.proto": []byte(swap(t, string(contract), "rpc Convert(", "rpc Change("))}
	plan := renamedContracts(t, root, text, protos)
	for _, b := range plan.Breaks(root) {
		if b.Path != "services/prices/change.go" && b.Path != "services/prices/prices_test.go" {
			t.Errorf("%s is said to break: %s", b.Path, b.Reason)
		}
	}
	if c := change(t, plan, "services/prices/change.go"); c.From != "services/rates/convert.go" || c.Imports != nil {
		t.Errorf("the handler comes from %q with the imports %v", c.From, c.Imports)
	}
	apply(t, root, plan)
	got := snapshot(t, root)
	if want := "package main\n\nimport ratesv1 \"example.com/contract-first/api/bank/rates/v1\"\n\nvar _ ratesv1.Rate\n"; got["services/prices/mine.go"] != want {
		t.Errorf("it is %q", got["services/prices/mine.go"])
	}
	if !strings.HasSuffix(got["services/prices/get_rate.go"], "// mine\n") {
		t.Error("a line is lost")
	}
	if renamedContracts(t, root, text, protos).Pending() {
		t.Error("a second run has something to do")
	}
}
