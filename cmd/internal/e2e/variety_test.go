package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// TestVariety generates systems that together use all of the language, and holds each to building and passing its own tests untouched. The
// one with everything then runs: what its gateway answers goes through every kind of field, key and standard method.
func TestVariety(t *testing.T) {
	components(t)
	specs, err := filepath.Abs("../../../testdata/specs")
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []struct{ name, spec string }{
		{"internal-only", "internal-only.yaml"},
		{"contract-first", "contract-first/msgen.yaml"},
		{"sharded", "sharded.yaml"},
		{"kitchen-sink", "kitchen-sink.yaml"},
	} {
		t.Run(system.name, func(t *testing.T) {
			dir := generate(t, system.name, "--spec", filepath.Join(specs, filepath.FromSlash(system.spec)))
			run(t, dir, "go", "build", "./...")
			run(t, dir, "go", "vet", "./services/...", "./api/...")
			run(t, dir, "go", "mod", "tidy", "-diff")
			run(t, dir, "go", "test", "./services/...")
			if system.name != "kitchen-sink" {
				return
			}
			if lint := os.Getenv("MSGEN_GOLANGCI_LINT"); lint != "" {
				run(t, dir, lint, "run", "--allow-parallel-runners", "./services/...", "./gateway/...")
			}
			s := start(t, dir, "kitchen-sink", []string{"catalog", "price-calculator", "store", "stock", "money-box", "watcher", "view-keeper", "order-history"})
			t.Run("fields", func(t *testing.T) { everyField(t, s) })
			t.Run("numbers as keys", func(t *testing.T) { numbersAsKeys(t, s) })
			t.Run("unset fields", func(t *testing.T) { unsetFields(t, s) })
			t.Run("sagas", func(t *testing.T) { ownKeys(t, s) })
		})
	}
}

// everyField sends a resource through create, read, list, update, transition and delete, and its event into a view.
func everyField(t *testing.T, s *e2e.System) {
	tok := token(t, s, "catalog.read", "catalog.write", "catalog.admin")
	id := "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b"
	sent := map[string]any{
		"aDouble": 1.5, "aFloat": -0.25, "anInt64": "-9007199254740993", "aUint64": "18446744073709551615", "someBytes": "AP8=",
		"aUuid": id, "aMoney": map[string]any{"currencyCode": "EUR", "units": "12", "nanos": 500000000},
		"aTimestamp": "2024-02-29T12:00:00.123456Z", "aDuration": "90.000000001s", "aDecimal": "-12.340",
		"anEnum": "AN_ENUM_SECOND_ONE", "aB": "AB_Y", "current": map[string]any{"code": 7}, "status": "STATUS_DONE",
		"aShape":     map[string]any{"fill": "FILL_SOLID", "points": []any{map[string]any{"x": 1}}},
		"uint64s":    []any{"18446744073709551615"},
		"nameByBool": map[string]any{"true": "yes", "false": "no"}, "enumByName": map[string]any{"a": "ENUM_BY_NAME_COLD"},
		"shapeByName": map[string]any{"s": map[string]any{"name": "n"}}, "decimals": []any{"1.10"}, "name": "first",
	}
	made := send(t, s, http.MethodPost, "/v1/everything", tok, "", sent)
	if made.Status != http.StatusCreated {
		t.Fatal(made)
	}
	path := "/v1/everything/" + made.text("id")
	got := send(t, s, http.MethodGet, path, tok, "", nil)
	for _, field := range []string{
		"aDouble", "aFloat", "anInt64", "aUint64", "someBytes", "aUuid", "aMoney.units", "aTimestamp", "aDuration", "aDecimal", "anEnum", "aB",
		"current.code", "status", "aShape.fill", "uint64s", "nameByBool", "enumByName", "shapeByName.s.name", "decimals",
	} {
		want := answer{Body: sent}.text(field)
		if got.text(field) != want || made.text(field) != want {
			t.Errorf("%s: sent %q, answered %q, stored %q", field, want, made.text(field), got.text(field))
		}
	}
	if got.text("state") != "STATE_FRESH" {
		t.Errorf("the state is %q", got.text("state"))
	}

	changed := send(t, s, http.MethodPatch, path, tok, "", map[string]any{"aString": "new", "etag": got.text("etag")})
	if changed.Status != http.StatusOK || changed.text("aString") != "new" || changed.text("aUint64") != "18446744073709551615" {
		t.Fatalf("PATCH: %v", changed)
	}
	if stale := send(t, s, http.MethodPatch, path, tok, "", map[string]any{"aString": "x", "etag": got.text("etag")}); stale.Status != http.StatusConflict {
		t.Errorf("a change of an older version: %v", stale)
	}
	cleared := send(t, s, http.MethodPatch, path+"?updateMask=aMoney,uint64s", tok, "", map[string]any{"aString": "ignored"})
	if cleared.Status != http.StatusOK || cleared.text("aMoney") != "" || cleared.text("aString") != "new" {
		t.Errorf("PATCH with a mask: %v", cleared)
	}
	if aged := send(t, s, http.MethodPost, path+"/age", tok, "", map[string]any{}); aged.text("state") != "STATE_STALE" {
		t.Errorf("a transition: %v", aged)
	}
	if again := send(t, s, http.MethodPost, path+"/age", tok, "", map[string]any{}); again.Status != http.StatusBadRequest {
		t.Errorf("the same transition again: %v", again)
	}
	if found := send(t, s, http.MethodGet, "/v1/everything?status=STATUS_DONE&state=STATE_STALE&aUuid="+id, tok, "", nil); len(list(found, "everythings")) != 1 {
		t.Errorf("a list with filters that match: %v", found)
	}
	if found := send(t, s, http.MethodGet, "/v1/everything?status=STATUS_DRAFT", tok, "", nil); len(list(found, "everythings")) != 0 {
		t.Errorf("a list with a filter that does not match: %v", found)
	}
	eventually(t, "the view", func() string {
		seen := send(t, s, http.MethodGet, "/v1/views/everything/"+made.text("id"), tok, "", nil)
		if seen.Status != http.StatusOK || seen.text("status") != "changed" {
			return seen.String()
		}
		return ""
	})
	if named := send(t, s, http.MethodGet, "/v1/views/names/first", "", "", nil); named.text("aUuid") != id {
		t.Errorf("a view keyed by a text: %v", named)
	}
	if gone := send(t, s, http.MethodDelete, path, tok, "", nil); gone.Status != http.StatusOK && gone.Status != http.StatusNoContent {
		t.Errorf("DELETE: %v", gone)
	}
	if gone := send(t, s, http.MethodGet, path, tok, "", nil); gone.Status != http.StatusNotFound {
		t.Errorf("what was deleted: %v", gone)
	}
	if denied := send(t, s, http.MethodDelete, path, token(t, s, "catalog.write"), "", nil); denied.Status != http.StatusForbidden {
		t.Errorf("DELETE with one of two scopes: %v", denied)
	}
}

// numbersAsKeys pages through a list whose keys are whole numbers, in their order and not in that of their digits.
func numbersAsKeys(t *testing.T, s *e2e.System) {
	tok := token(t, s, "catalog.read", "catalog.write")
	for _, n := range []string{"10", "9", "-3", "100"} {
		if made := send(t, s, http.MethodPost, "/v1/bins", tok, "", map[string]any{"number": n, "name": "bin " + n}); made.Status != http.StatusCreated {
			t.Fatal(made)
		}
	}
	if twice := send(t, s, http.MethodPost, "/v1/bins", tok, "", map[string]any{"number": "9"}); twice.Status != http.StatusConflict {
		t.Errorf("a key that is taken: %v", twice)
	}
	var numbers []string
	for path, pages := "/v1/bins?pageSize=3", 0; path != "" && pages < 3; pages++ {
		page := send(t, s, http.MethodGet, path, tok, "", nil)
		for _, bin := range list(page, "bins") {
			numbers = append(numbers, answer{Body: bin.(map[string]any)}.text("number"))
		}
		if path = ""; page.text("nextPageToken") != "" {
			path = "/v1/bins?pageSize=3&pageToken=" + page.text("nextPageToken")
		}
	}
	if got := len(numbers); got != 4 || numbers[0] != "-3" || numbers[1] != "9" || numbers[2] != "10" || numbers[3] != "100" {
		t.Errorf("the pages hold %v", numbers)
	}
	if closed := send(t, s, http.MethodPost, "/v1/bins/10/close", tok, "", map[string]any{"shape": "round"}); closed.text("state") != "STATE_CLOSED" {
		t.Errorf("a transition by number: %v", closed)
	}
	if found := send(t, s, http.MethodGet, "/v1/bins?state=STATE_CLOSED&full=false", tok, "", nil); len(list(found, "bins")) != 1 {
		t.Errorf("a list with filters: %v", found)
	}
	if wrong := send(t, s, http.MethodGet, "/v1/bins/ten", tok, "", nil); wrong.Status != http.StatusBadRequest {
		t.Errorf("a key that is no number: %v", wrong)
	}
	eventually(t, "the view", func() string {
		seen := send(t, s, http.MethodGet, "/v1/views/bins/-3", tok, "", nil)
		if seen.text("name") != "bin -3" {
			return seen.String()
		}
		return ""
	})
}

// unsetFields creates what has no field set, and what has words of SQL as its fields.
func unsetFields(t *testing.T, s *e2e.System) {
	tok := token(t, s, "catalog.read", "catalog.write")
	if made := send(t, s, http.MethodPost, "/v1/everything", tok, "", map[string]any{}); made.Status != http.StatusCreated {
		t.Errorf("nothing set: %v", made)
	}
	made := send(t, s, http.MethodPost, "/v1/users", tok, "", map[string]any{"from": "a", "limit": "3", "group": "GROUP_NULL", "select": "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b"})
	if made.Status != http.StatusCreated {
		t.Fatal(made)
	}
	found := send(t, s, http.MethodGet, "/v1/users?from=a&group=GROUP_NULL&desc=false&type=", tok, "", nil)
	if len(list(found, "users")) != 1 {
		t.Errorf("a list by words of SQL: %v", found)
	}
	for _, body := range []map[string]any{
		{"aDecimal": "1,5"}, {"aUuid": "x"}, {"uuids": []any{"x"}}, {"doubles": []any{"NaN"}}, {"enumByName": map[string]any{"a": 99}}, {"decimalByName": map[string]any{"a": "b"}},
	} {
		if refused := send(t, s, http.MethodPost, "/v1/everything", tok, "", body); refused.Status != http.StatusBadRequest {
			t.Errorf("%v: %v", body, refused)
		}
	}
}

// ownKeys runs sagas whose steps create what has keys of its own. What a step needs and the saga does not know, such as the number of a slot, is
// the user's to fill in: untouched, the step is refused and the steps before it are undone, by deletion too.
func ownKeys(t *testing.T, s *e2e.System) {
	tok := token(t, s, "store.read", "store.write")
	for path, want := range map[string]string{"/v1/trials": "STATE_CONFIRMED", "/v1/events": "STATE_CANCELLED"} {
		made := send(t, s, http.MethodPost, path, tok, "", map[string]any{"name": "of " + path, "total": map[string]any{"currencyCode": "EUR", "units": "5"}})
		if made.Status != http.StatusCreated {
			t.Fatal(made)
		}
		eventually(t, path, func() string {
			if got := send(t, s, http.MethodGet, "/v1/events/"+made.text("id"), tok, "", nil); got.text("state") != want {
				return got.String()
			}
			return ""
		})
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM locks":                              1,
		"SELECT count(*) FROM locks WHERE name = 'of /v1/trials'": 1,
		"SELECT count(*) FROM slots":                              0,
		"SELECT count(*) FROM holds WHERE state = 'held'":         0,
		"SELECT count(*) FROM holds WHERE state = 'released'":     1,
	} {
		if got := count(t, s, "stock", query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// list is a list in an answer's body.
func list(a answer, field string) []any {
	items, _ := a.Body[field].([]any)
	return items
}
