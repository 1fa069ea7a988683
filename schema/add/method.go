package add

import (
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// What a method does. Own is what its user writes.
const (
	Creates = "creates"
	Reads   = "reads"
	Lists   = "lists"
	Updates = "updates"
	Deletes = "deletes"
	Own     = "own"
)

// Who may call a method.
const (
	Internal = "internal" // other services of the system
	Token    = "token"    // clients of the gateway with a token that has the scopes
	Public   = "public"   // anybody
)

// Method is a method that is added to a service.
type Method struct {
	Service, Name     string
	Does              string // one of the words above; "" is what the name says
	Aggregate         string // what it creates, reads, …; a view for reads and lists
	Access            string // Internal, Token or Public; "" is Internal
	Route             string // of a method that is not internal; "" is made from the name
	Scopes            []string
	From              []string
	To                string
	Sends             []string
	Starts            string
	Request, Response []string // fields as of ParseField, of an own method
}

// Verb is what a method does by its name, and the noun it does it to: GetOrder reads Order, ListOrders lists Orders. Own when the name
// begins with no verb of a standard method (AIP-131 to 135).
func Verb(name string) (does, noun string) {
	for _, v := range []struct{ verb, does string }{{"Create", Creates}, {"Get", Reads}, {"List", Lists}, {"Update", Updates}, {"Delete", Deletes}} {
		if rest, ok := strings.CutPrefix(name, v.verb); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return v.does, rest
		}
	}
	return Own, ""
}

// Resource is an aggregate or a view that a method may be about.
type Resource struct {
	Name string
	Key  string // the field that identifies it
}

// Resources are those of a service.
func Resources(s *schema.Service) []Resource {
	var all []Resource
	for _, a := range s.Aggregates {
		all = append(all, Resource{a.Name.V, a.Key.V})
	}
	for _, v := range s.Views {
		all = append(all, Resource{v.Name.V, v.Key.V})
	}
	return all
}

// Infer fills in what the name says when it is not given: what the method does to which of its service's resources, its route and its scopes.
func (m *Method) Infer(resources []Resource) {
	if m.Does == "" {
		does, noun := Verb(m.Name)
		m.Does = Own
		if m.Aggregate == "" && noun != "" {
			i := slices.IndexFunc(resources, func(r Resource) bool { return noun == r.Name || does == Lists && noun == schema.Plural(r.Name) })
			if i >= 0 {
				m.Does, m.Aggregate = does, resources[i].Name
			}
		} else if m.Aggregate != "" && does != Own {
			m.Does = does
		}
		if m.To != "" {
			m.Does = Updates
		}
	}
	if m.Does == Updates && m.Aggregate == "" {
		m.Aggregate = about(m.Name, resources)
	}
	if m.Does == Own {
		m.Aggregate = ""
	}
	if m.Access == Token || m.Access == Public {
		if m.Route == "" {
			key := "id"
			if i := slices.IndexFunc(resources, func(r Resource) bool { return r.Name == m.Aggregate }); i >= 0 {
				key = resources[i].Key
			}
			m.Route = m.route(key)
		}
		if m.Access == Token && len(m.Scopes) == 0 {
			m.Scopes = []string{m.scope()}
		}
	}
}

// about is the resource that a method's name ends with, or else the only one there is.
func about(name string, resources []Resource) string {
	for _, r := range resources {
		if strings.HasSuffix(name, r.Name) {
			return r.Name
		}
	}
	if len(resources) == 1 {
		return resources[0].Name
	}
	return ""
}

// route is the one that AIP-131 to 136 would give the method, with a path segment for an action in the place of a custom verb.
func (m *Method) route(key string) string {
	words := func(name string) string { return strings.ReplaceAll(schema.Snake(name), "_", "-") }
	resource := m.Aggregate
	if resource == "" {
		resource = m.Name
	}
	collection := "/v1/" + words(schema.Plural(resource))
	one := collection + "/{" + key + "}"
	switch m.Does {
	case Creates:
		return "POST " + collection
	case Reads:
		return "GET " + one
	case Lists:
		return "GET " + collection
	case Deletes:
		return "DELETE " + one
	case Updates:
		if m.To == "" {
			return "PATCH " + one
		}
		action := strings.TrimSuffix(m.Name, m.Aggregate)
		if action == "" {
			action = m.Name
		}
		return "POST " + one + "/" + words(action)
	}
	return "POST /v1/" + words(m.Name)
}

// scope is the one that a token needs: orders.read or orders.write.
func (m *Method) scope() string {
	if m.Does == Reads || m.Does == Lists || m.Does == Own && schema.IsQuestion(m.Name) {
		return m.Service + ".read"
	}
	return m.Service + ".write"
}

// Writes reports whether the method changes its aggregate, so that it can send events of that.
func (m *Method) Writes() bool { return m.Does == Creates || m.Does == Updates || m.Does == Deletes }

// entry is the method as the spec writes it.
func (m *Method) entry() (edit.Entry, error) {
	var body edit.Map
	if m.Access == Token || m.Access == Public {
		body = with(body, edit.Entry{Key: "http", Value: m.Route}, edit.Entry{Key: "public", Value: m.Access == Public})
	} else {
		body = append(body, edit.Entry{Key: "internal", Value: true})
	}
	if m.Does != Own {
		body = append(body, edit.Entry{Key: m.Does, Value: m.Aggregate})
	}
	body = with(body, edit.Entry{Key: "from", Value: list(m.From)}, edit.Entry{Key: "to", Value: m.To}, edit.Entry{Key: "sends", Value: list(m.Sends)},
		edit.Entry{Key: "starts", Value: m.Starts})
	if m.Access == Token {
		body = with(body, edit.Entry{Key: "scopes", Value: list(m.Scopes)})
	}
	for _, part := range []struct {
		key   string
		lines []string
	}{{"request", m.Request}, {"response", m.Response}} {
		fields, err := parseFields(part.lines)
		if err != nil {
			return edit.Entry{}, fmt.Errorf("%s: %w", part.key, err)
		}
		body = with(body, edit.Entry{Key: part.key, Value: fieldMap(fields)})
	}
	return edit.Entry{Key: m.Name, Value: body, Block: len(m.Request)+len(m.Response) > 0}, nil
}

// AddTo adds the method to its service. What is not given is inferred.
func (m Method) AddTo(spec *schema.Spec, doc *edit.Document) error {
	s := ServiceNamed(spec, m.Service)
	if s == nil {
		return unknown("service", m.Service, serviceNames(spec))
	}
	if s.Proto.Set {
		return fmt.Errorf("the methods of %s are those of %s: add it there", m.Service, s.Proto.V)
	}
	m.Infer(Resources(s))
	e, err := m.entry()
	if err != nil {
		return err
	}
	return doc.Add([]string{"services", m.Service, "api"}, e, order)
}
