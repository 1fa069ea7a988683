package view

import "strings"

// Lookup finds a message by its proto name as a file of in writes it, and the service whose file declares it. in is nil for the events' file.
// Without such a message both results are nil.
func (s *System) Lookup(name string, in *Service) (*Message, *Service) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		for _, other := range s.Services {
			if other.ProtoPackage == name[:i] {
				return s.Lookup(name[i+1:], other)
			}
		}
		return nil, nil
	}
	if in == nil {
		return nil, nil
	}
	for _, m := range in.Messages {
		if m.Name == name {
			return m, in
		}
	}
	return nil, nil
}

// Narrowed is the method whose request narrows a list of the resource, when that is another than this one: a repository has one List.
func (m *Method) Narrowed() *Method {
	if first := m.Resource.Lister(); first != m {
		return first
	}
	return nil
}
