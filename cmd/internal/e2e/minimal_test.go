package e2e_test

import (
	"net/http"
	"testing"
)

// TestMinimal runs the smallest system untouched: one request through the gateway ends in an event that the other service has consumed.
func TestMinimal(t *testing.T) {
	components(t)
	dir := generate(t, "notebook", "--example", "minimal")
	system := start(t, dir, "notebook", []string{"notes", "audit"})
	tok := token(t, system, "notes.write", "notes.read")

	note := send(t, system, http.MethodPost, "/v1/notes", tok, "", map[string]any{"title": "Buy tea", "body": "Green."})
	if note.Status != http.StatusCreated {
		t.Fatalf("POST /v1/notes: %v", note)
	}
	got := send(t, system, http.MethodGet, "/v1/notes/"+note.text("id"), tok, "", nil)
	if got.text("title") != "Buy tea" || got.text("body") != "Green." {
		t.Errorf("the note is %v", got)
	}
	eventually(t, "the audit entry", func() string {
		entries := send(t, system, http.MethodGet, "/v1/entries?noteId="+note.text("id"), tok, "", nil)
		list, _ := entries.Body["entries"].([]any)
		if len(list) != 1 {
			return entries.String()
		}
		entry, _ := list[0].(map[string]any)
		if entry["title"] != "Buy tea" {
			t.Errorf("the entry is %v", entry)
		}
		return ""
	})
	if got := send(t, system, http.MethodPost, "/v1/notes", tok, "", map[string]any{"title": ""}); got.Status != http.StatusBadRequest {
		t.Errorf("a note without a title: %v, want 400", got)
	}
}
