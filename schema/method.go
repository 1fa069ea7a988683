package schema

import "strings"

// Path is the method's logical path: services.orders.api.PlaceOrder.
func (m *Method) Path() string { return m.path }

// ReadOnly reports whether the method is known to change nothing: it reads or lists.
func (m *Method) ReadOnly() bool { return m.Reads.Set || m.Lists.Set }

// Writes reports whether the method is known to change its aggregate: it creates, updates or deletes.
func (m *Method) Writes() bool { return m.Creates.Set || m.Updates.Set || m.Deletes.Set }

// Repeatable reports whether calling the method twice does no more than calling it once: it reads, it carries a request id (creates,
// updates and deletes, AIP-155), or it says by its name that it answers a question and its service neither stores anything nor calls what does. A
// service without a database may well charge a card. Only such calls are retried.
func (m *Method) Repeatable() bool {
	return m.ReadOnly() || m.Writes() || m.Service.quiet && IsQuestion(m.Name.V)
}

// questions are the verbs of methods that change nothing: those of AIP-131, 132, 136 and 231, and what else such methods are called.
var questions = []string{
	"Get", "List", "BatchGet", "Search", "Query", "Find", "Lookup", "Read", "Fetch", "Describe", "Count", "Check", "Validate", "Verify", "Resolve",
	"Quote", "Price", "Calculate", "Compute", "Convert", "Estimate", "Preview", "Recommend", "Suggest", "Compare", "Rank", "Score", "Translate", "Render", "Ping", "Echo",
}

// IsQuestion reports that a method's name begins with the verb of a question, as a word of its own: GetRate, not Getter.
func IsQuestion(name string) bool {
	for _, verb := range questions {
		if rest, ok := strings.CutPrefix(name, verb); ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
			return true
		}
	}
	return false
}

// findQuiet finds the services of which no own method can change anything, as far as the spec shows. All without a database are taken to be such until
// a call shows otherwise, so that in a cycle of calls, where nobody has a database to change, all are.
func (s *Spec) findQuiet() {
	callers := map[*Service][]*Service{} // of own methods
	var loud []*Service
	for _, service := range s.Services {
		service.quiet = service.Database.V == ""
		for _, c := range service.Calls {
			switch m := c.Target.Method; {
			case m == nil, m.Writes():
				service.quiet = false
			case !m.ReadOnly():
				callers[m.Service] = append(callers[m.Service], service)
			}
		}
		if !service.quiet {
			loud = append(loud, service)
		}
	}
	for len(loud) > 0 {
		last := len(loud) - 1
		next := callers[loud[last]]
		loud = loud[:last]
		for _, caller := range next {
			if caller.quiet {
				caller.quiet = false
				loud = append(loud, caller)
			}
		}
	}
}
