package main

import (
	"context"

	notesv1 "notebook/api/notebook/notes/v1"
)

// GetNote is the user's own.
func (s *Service) GetNote(ctx context.Context, req *notesv1.GetNoteRequest, note *notesv1.Note) error {
	note.Title += "!"
	return nil
}
