package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Choreography is a saga that nobody leads: each service reacts to what the one before it says has happened. All of the saga's events go
// to one topic with the saga's key, and carry what it was started with.
//
//	Type.Started                          by the service that starts it: the first step is done on it
//	Type.<Event>.Done                     by the step's service: the next step is done on it
//	Type.<Event>.Failed, .Undone          by the step's service: the step before is undone on it, at the first step OnFailure is done
//	Type.<Event>.Stuck                    by the step's service: what has to succeed was refused
//	Type.Cancelled, Type.CancelStuck      by the service of OnFailure
//	Type.StepRequested, Type.UndoRequested  by the starter, for a step that is not heard of in time
//
// The starter keeps a row of each saga as an Orchestrator does, moves it by the events it observes, and only speaks when one does not come:
// it asks for the step again, and once the saga's time is up it asks the last step that can be undone, the decider, to be undone. From
// there the way back goes by events as on a failure, through each step in turn: one that was not done bars itself, so that a trigger which
// comes late does nothing. It is the decider's own transaction that says which was first, its step or the request to undo it.
type Choreography struct {
	Name string
	// Version goes up whenever the steps change: an event of another version is not reacted to, but kept as a dead letter.
	Version int
	// Timeout bounds the way to the point of no return, as in a Definition.
	Timeout time.Duration
	// Topic has the events, Type is what their types begin with.
	Topic, Type string
	Steps       []Reaction
	// OnFailure is done after the first step was undone. Its name and kind have no meaning.
	OnFailure *Reaction
}

// Reaction is a step of a Choreography.
type Reaction struct {
	// Name is the step's, as in a Definition, Event what the types of its events are made of.
	Name, Event string
	Kind        Kind
	// Timeout is how long the starter waits to hear of the step before it asks for it again; 0 means Options.StepTimeout.
	Timeout time.Duration
	// Do does the step; nil in services that do not do it. Undo undoes it; only a Compensatable step has it, and it needs none if it
	// changes nothing.
	Do, Undo Act
}

// Act is one local transaction of a saga. It may return an error of the business, as a participant's command may: see Participate.
type Act func(ctx context.Context, tx pgx.Tx, run *Run) (proto.Message, error)

// incident is what an event says.
type incident int

const (
	started incident = iota
	stepRequested
	undoRequested
	stepDone
	stepFailed
	stepUndone
	stepStuck
)

// news is an event's meaning; step is len(Steps) for those of OnFailure.
type news struct {
	incident incident
	step     int
}

// vocabulary are the types of the saga's events.
func (c *Choreography) vocabulary() map[string]news {
	words := map[string]news{
		c.Type + ".Started": {incident: started}, c.Type + ".StepRequested": {incident: stepRequested},
		c.Type + ".UndoRequested": {incident: undoRequested},
	}
	for i := range c.Steps {
		for _, in := range []incident{stepDone, stepFailed, stepUndone, stepStuck} {
			if n := (news{in, i}); c.speaks(n) {
				words[c.typeOf(n)] = n
			}
		}
	}
	if end := len(c.Steps); c.OnFailure != nil {
		words[c.typeOf(news{stepDone, end})] = news{stepDone, end}
		words[c.typeOf(news{stepStuck, end})] = news{stepStuck, end}
	}
	return words
}

// speaks reports that a step can say so: what has to succeed neither fails nor is undone, and what nothing undoes is never stuck.
func (c *Choreography) speaks(n news) bool {
	switch n.incident {
	case stepFailed, stepUndone:
		return n.step <= c.decider()
	case stepStuck:
		return n.step > c.decider() || c.Steps[n.step].Kind == Compensatable
	}
	return true
}

// typeOf is the type of the event that says n.
func (c *Choreography) typeOf(n news) string {
	if n.step == len(c.Steps) {
		if n.incident == stepDone {
			return c.Type + ".Cancelled"
		}
		return c.Type + ".CancelStuck"
	}
	at := c.Type + "." + c.Steps[n.step].Event
	switch n.incident {
	case stepDone:
		return at + ".Done"
	case stepFailed:
		return at + ".Failed"
	case stepUndone:
		return at + ".Undone"
	}
	return at + ".Stuck"
}

// decider is the last step that can be undone or refused, -1 if none can.
func (c *Choreography) decider() int {
	d := len(c.Steps) - 1
	for d >= 0 && c.Steps[d].Kind == Retriable {
		d--
	}
	return d
}

// decides reports that the saga cannot turn back once the decider is done: it has no way back, or others go on on it.
func (c *Choreography) decides() bool {
	d := c.decider()
	return d >= 0 && (c.Steps[d].Kind == Pivot || d < len(c.Steps)-1)
}

// stepNamed is the index of a step, len(Steps) for OnFailure, -1 if there is none.
func (c *Choreography) stepNamed(name string) int {
	for i := range c.Steps {
		if c.Steps[i].Name == name {
			return i
		}
	}
	if name == onFailure && c.OnFailure != nil {
		return len(c.Steps)
	}
	return -1
}

// Definition is what the starter's Orchestrator is given.
func (c Choreography) Definition() Definition {
	ask := func(typ string) Command {
		return Command{Topic: c.Topic, Type: c.Type + typ, Build: func(_ context.Context, run *Run) (proto.Message, error) {
			m := &emptypb.Empty{} // it keeps the fields that it does not know
			return m, run.Data(m)
		}}
	}
	d := Definition{Name: c.Name, Version: c.Version, Timeout: c.Timeout, ReplyTopic: c.Topic, flow: &c, start: ask(".Started")}
	undo, end := ask(".UndoRequested"), ask(".StepRequested")
	for i, r := range c.Steps {
		s := Step{Name: r.Name, Kind: r.Kind, Timeout: r.Timeout, Invoke: ask(".StepRequested")}
		if i <= c.decider() {
			s.Compensate = &undo
		}
		d.Steps = append(d.Steps, s)
	}
	if c.OnFailure != nil {
		d.OnFailure = &end
	}
	return d
}

// validate reports what a Definition does not show.
func (c *Choreography) validate() error {
	if c.Topic == "" || c.Type == "" {
		return errors.New("a choreography needs a topic and a type")
	}
	said := map[string]bool{}
	for _, s := range c.Steps {
		if s.Event == "" || said[s.Event] {
			return fmt.Errorf("step %q: the name of its events is empty or taken", s.Name)
		}
		said[s.Event] = true
		if s.Undo != nil && (s.Kind != Compensatable || s.Do == nil) {
			return fmt.Errorf("step %q: only a compensatable step is undone, and where it is done", s.Name)
		}
	}
	return nil
}
