package saga

import (
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
)

// Run is a saga as a command's Build sees it.
type Run struct {
	ID, Key string

	id      uuid.UUID
	data    []byte
	replies map[string][]byte // by step
	reason  string
}

// Data reads what the saga was started with into m.
func (r *Run) Data(m proto.Message) error {
	if err := proto.Unmarshal(r.data, m); err != nil {
		return fmt.Errorf("decode data of saga %s: %w", r.ID, err)
	}
	return nil
}

// Reply reads what a step was answered with into m. It is false if the step is not done.
func (r *Run) Reply(step string, m proto.Message) (bool, error) {
	raw, ok := r.replies[step]
	if !ok {
		return false, nil
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return false, fmt.Errorf("decode reply of step %q of saga %s: %w", step, r.ID, err)
	}
	return true, nil
}

// Reason is why the saga is compensated: what the refusing participant said, or that time ran out. "" while it is not.
func (r *Run) Reason() string { return r.reason }

// StepID is an id for what a step creates. It is the same at every attempt, so that a resend cannot create a second one and the
// compensation knows what to undo even if no reply ever came.
func (r *Run) StepID(step string) string {
	return uuid.NewSHA1(r.id, []byte(step)).String()
}
