package schema

import (
	"fmt"
	"strings"
)

// Form is the form of a value of the spec, for those who take one from elsewhere: a flag, an answer.
type Form int

// The forms. Route is POST /v1/orders, Ratio a percentage below 100% with decimals, Percent a whole one, Replicas a number of replicas.
const (
	FormText Form = iota
	FormService
	FormEvent
	FormSaga
	FormAggregate
	FormMethod
	FormMethodRef
	FormField
	FormState
	FormScope
	FormRoute
	FormType
	FormDuration
	FormPercent
	FormRatio
	FormReplicas
	FormURL
)

// Check says what is wrong with a text that is to have a form, and what would be right; nil when it has it. A name that nothing in the spec
// answers to is not its business.
func (f Form) Check(s string) error {
	var err error
	switch f {
	case FormText:
		_, err = text("a text").parse(s)
	case FormService:
		err = serviceName.check(s)
	case FormEvent:
		err = eventName.check(s)
	case FormSaga:
		err = sagaName.check(s)
	case FormAggregate:
		err = aggregateName.check(s)
	case FormMethod:
		err = methodName.check(s)
	case FormMethodRef:
		_, err = methodReference().parse(s)
	case FormField:
		err = fieldName.check(s)
	case FormState:
		err = stateName.check(s)
	case FormScope:
		err = scopeName.check(s)
	case FormRoute:
		_, err = route().parse(s)
	case FormType:
		_, err = ParseType(s)
	case FormDuration:
		_, err = positive().parse(s)
	case FormPercent:
		_, err = wholePercent().parse(s)
	case FormRatio:
		_, err = ratio().parse(s)
	case FormReplicas:
		_, err = integer(1, 1000).parse(s)
	case FormURL:
		_, err = webURL().parse(s)
	}
	return inOne(err)
}

// inOne is a problem with its help in one text.
func inOne(err error) error {
	p, ok := err.(*problem) //nolint:errorlint // problems are never wrapped
	switch {
	case !ok:
		return err
	case p.help == "" || strings.Contains(p.message, p.help):
		return fmt.Errorf("%s", p.message)
	}
	return fmt.Errorf("%s (%s)", p.message, p.help)
}
