package saga

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// ReplyType is the CloudEvents type of a reply. Its data is what the participant returned or, if sagaoutcome is "refused", a
// google.rpc.Status.
const ReplyType = "msgen.saga.v1.Reply"

// The CloudEvents extensions of commands and replies.
const (
	extID      = "sagaid"
	extStep    = "sagastep"
	extOp      = "sagaop"
	extAttempt = "sagaattempt"
	extReplyTo = "sagareplyto"
	extOutcome = "sagaoutcome"
)

// What a command does with its step.
const (
	opInvoke     = "invoke"     // do it; a refusal is final, as the saga turns back on it
	opComplete   = "complete"   // do it; there is no way back, so that a refusal today may be a success tomorrow
	opCompensate = "compensate" // undo it; the same holds
)

// Outcomes of a command.
const (
	outcomeDone    = "done"
	outcomeRefused = "refused"
	outcomeBarred  = "barred" // compensated before it was invoked; answered as a refusal
)

// envelope is what the extensions of a command or reply say.
type envelope struct {
	saga     uuid.UUID
	step, op string
	attempt  int
}

func open(msg event.Message) (envelope, error) {
	e := envelope{step: msg.Extensions[extStep], op: msg.Extensions[extOp]}
	var err error
	if e.saga, err = uuid.Parse(msg.Extensions[extID]); err != nil {
		return e, fmt.Errorf("extension %s: %w", extID, err)
	}
	if e.attempt, err = strconv.Atoi(msg.Extensions[extAttempt]); err != nil {
		return e, fmt.Errorf("extension %s: %w", extAttempt, err)
	}
	if e.step == "" {
		return e, errors.New("extension " + extStep + " is empty")
	}
	switch e.op {
	case opInvoke, opComplete, opCompensate:
		return e, nil
	}
	return e, fmt.Errorf("extension %s: unknown %q", extOp, e.op)
}

// seal writes the envelope into msg. A command's id names what it is: participants recognise redeliveries by it, while a resend, a
// new attempt, gets through to them and is answered with the stored reply.
func (e envelope) seal(msg *event.Message) {
	msg.ID = fmt.Sprintf("%s/%s/%s/%d", e.saga, e.step, e.op, e.attempt)
	if msg.Extensions == nil {
		msg.Extensions = map[string]string{}
	}
	msg.Extensions[extID] = e.saga.String()
	msg.Extensions[extStep] = e.step
	msg.Extensions[extOp] = e.op
	msg.Extensions[extAttempt] = strconv.Itoa(e.attempt)
}

// business tells a decision of the domain, which no retry changes, from a failure of technology.
func business(err error) (*status.Status, bool) {
	st, ok := status.FromError(err)
	if !ok {
		return nil, false
	}
	switch st.Code() {
	case codes.FailedPrecondition, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.OutOfRange,
		codes.PermissionDenied, codes.Unimplemented:
		return st, true
	}
	return nil, false
}

func unmarshalStatus(data []byte) (*spb.Status, error) {
	st := &spb.Status{}
	if err := proto.Unmarshal(data, st); err != nil {
		return nil, fmt.Errorf("decode refusal: %w", err)
	}
	return st, nil
}
