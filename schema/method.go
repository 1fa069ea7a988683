package schema

// ReadOnly reports whether the method is known to change nothing: it reads or lists.
func (m *Method) ReadOnly() bool { return m.Reads.Set || m.Lists.Set }

// Writes reports whether the method is known to change its aggregate: it creates, updates or deletes.
func (m *Method) Writes() bool { return m.Creates.Set || m.Updates.Set || m.Deletes.Set }

// Repeatable reports whether calling the method twice does no more than calling it once: it reads, it carries a request id (creates,
// updates and deletes, AIP-155), or its service stores nothing and only calls methods that change nothing. Only such calls are retried.
func (m *Method) Repeatable() bool {
	return m.ReadOnly() || m.Writes() || m.Service.changesNothing(map[*Service]bool{})
}

// changesNothing reports whether no own method of a service can change anything, as far as the spec shows. In a cycle of calls nobody
// has a database to change.
func (s *Service) changesNothing(seen map[*Service]bool) bool {
	if seen[s] {
		return true
	}
	seen[s] = true
	if s.Database.V != "" {
		return false
	}
	for _, c := range s.Calls {
		m := c.Target.Method
		if m == nil || m.Writes() || !m.ReadOnly() && !m.Service.changesNothing(seen) {
			return false
		}
	}
	return true
}
