// Package saga runs sagas: a business transaction over several services as a row of local ones, each of which can be undone until a
// point of no return.
//
// An Orchestrator sends a step's command, waits for its reply and goes on. Commands leave through the outbox and replies arrive
// through the inbox, in the transaction that changes the saga's row: the two cannot part, whenever the process dies. Services that
// carry out commands wrap their handler in Participate. A Choreography is a saga without commands: see there.
//
// The order of steps is compensatable… → pivot → retriable…: what can be undone comes first, then at most one step that decides,
// then what must succeed in the end. A saga ends
//
//	COMPLETED    every step is done
//	COMPENSATED  a step before or at the pivot was refused or did not answer in time, and what was done is undone
//	PARKED       it cannot go on by itself and waits for an operator: see List, Retry, Skip, ForceCompensate and Ask
//
// Sagas do not isolate: others see their intermediate states.
package saga

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
)

// Migrations creates the tables saga, saga_request, saga_step_log and saga_participant.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Kind says what becomes of a step that does not succeed.
type Kind int

// The kinds of steps, in the order in which they may follow each other.
const (
	// Compensatable steps can be undone. A refusal compensates the steps before; no reply compensates this one too.
	Compensatable Kind = iota
	// Pivot is the point of no return. A refusal compensates; without a reply the command is sent again, as its outcome is unknown.
	Pivot
	// Retriable steps follow the point of no return and are sent until they succeed. A refusal parks the saga.
	Retriable
)

// State of a saga.
type State string

// The states of a saga; the last three are its ends.
const (
	Running      State = "RUNNING"
	Compensating State = "COMPENSATING"
	Completed    State = "COMPLETED"
	Compensated  State = "COMPENSATED"
	Parked       State = "PARKED"
)

// Command is a message that makes a participant do something.
type Command struct {
	Topic, Type string
	// Build makes the payload from what the saga knows. It may run again for a resend and must then give the same payload. A business
	// error (see Participate) fails the step as a refusal does, any other is tried again later.
	Build func(ctx context.Context, run *Run) (proto.Message, error)
}

// Step is one local transaction of a saga.
type Step struct {
	// Name is unique in the saga and must not change while sagas run.
	Name string
	Kind Kind
	// Invoke does the step, Compensate undoes it. Only a Compensatable step has a Compensate, and it needs none if it changes nothing.
	Invoke     Command
	Compensate *Command
	// Timeout is how long a reply is waited for before the command is sent again; 0 means Options.StepTimeout.
	Timeout time.Duration
}

// Definition is a saga's plan.
type Definition struct {
	Name string
	// Version goes up whenever the steps change. Sagas that run go by the version they were started with, so keep it until they ended.
	Version int
	// Timeout bounds the way to the pivot, from the start on; beyond it the saga is compensated. Required.
	Timeout    time.Duration
	ReplyTopic string
	Steps      []Step
	// OnFailure is sent after compensation, and again until it is done. The saga is COMPENSATED then.
	OnFailure *Command

	flow  *Choreography // nil for an orchestrated saga
	start Command       // the event that a choreographed one begins with
}

// onFailure is the name of the step that OnFailure makes.
const onFailure = "on-failure"

func (d *Definition) validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if d.Name == "" {
		fail("no name")
	}
	if d.Timeout <= 0 {
		fail("no timeout")
	}
	if d.ReplyTopic == "" {
		fail("no reply topic")
	}
	if len(d.Steps) == 0 {
		fail("no steps")
	}
	names := map[string]bool{onFailure: true}
	for i, s := range d.Steps {
		if s.Name == "" || len(s.Name) > 200 || strings.ContainsAny(s.Name, "/\x00") {
			fail("step %d: bad name %q", i, s.Name)
		}
		if names[s.Name] {
			fail("step %q: the name is taken", s.Name)
		}
		names[s.Name] = true
		if s.Kind < Compensatable || s.Kind > Retriable {
			fail("step %q: unknown kind %d", s.Name, s.Kind)
		}
		if i > 0 {
			switch before := d.Steps[i-1].Kind; {
			case s.Kind < before:
				fail("step %q: the order is compensatable, pivot, retriable", s.Name)
			case s.Kind == Pivot && before == Pivot:
				fail("step %q: a second pivot", s.Name)
			}
		}
		if s.Kind != Compensatable && s.Compensate != nil && d.flow == nil {
			fail("step %q: only a compensatable step has a compensation", s.Name)
		}
		if s.Timeout < 0 {
			fail("step %q: negative timeout", s.Name)
		}
		if err := s.Invoke.validate(); err != nil {
			fail("step %q: invoke: %w", s.Name, err)
		}
		if err := s.Compensate.validate(); err != nil {
			fail("step %q: compensate: %w", s.Name, err)
		}
	}
	if err := d.OnFailure.validate(); err != nil {
		fail("on failure: %w", err)
	}
	if d.flow != nil {
		if err := d.flow.validate(); err != nil {
			fail("%w", err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("saga %q version %d: %w", d.Name, d.Version, err)
	}
	return nil
}

func (c *Command) validate() error {
	switch {
	case c == nil:
		return nil
	case c.Topic == "" || c.Type == "":
		return errors.New("a command needs a topic and a type")
	case c.Build == nil:
		return errors.New("a command needs a build function")
	}
	return nil
}
