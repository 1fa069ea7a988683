package schema

import (
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/msgen-dev/msgen/schema/source"
)

// The checks here are of the form of one object: which of its keys go together.

// namespaceName is a Kubernetes namespace: a DNS label.
var namespaceName = nameKind{
	article: "a namespace", plural: "namespaces", form: "small letters, digits and dashes", max: 63,
	pattern: kebabForm, reserved: free, suggest: func(s string) string { return kebab("", "", "system", free).suggest(s) },
}

// modulePath is a Go module path.
func modulePath() scalar[string] {
	s := text("a Go module path such as example.com/shop")
	s.parse = func(t string) (string, error) {
		if err := CheckModule(t); err != nil {
			return "", err
		}
		return t, nil
	}
	return s
}

// CheckModule says what is wrong with a Go module path; nil when it is good.
func CheckModule(p string) error {
	const help = "write a path such as example.com/shop"
	if err := module.CheckImportPath(p); err != nil {
		return problemf(help, "%q is no Go module path", p)
	}
	first, _, _ := strings.Cut(p, "/")
	for _, segment := range strings.Split(p, "/") {
		if segment == "internal" || segment == "vendor" || segment == "testdata" {
			return problemf(help, "%q holds %q, which means something else to the Go tool", p, segment)
		}
	}
	if !strings.Contains(first, ".") {
		return problemf(help, "%q does not start with a host name, so that it could hide a package of Go itself", p)
	}
	if strings.HasPrefix(p, "google.golang.org/") || strings.HasPrefix(p, "github.com/msgen-dev/msgen") {
		return problemf(help, "%q belongs to a dependency of the generated system", p)
	}
	return nil
}

// protoPath is a .proto file below the spec's folder.
func protoPath() scalar[string] {
	s := text("the path of a .proto file")
	s.shape = shape{"type": "string", "pattern": `^[A-Za-z0-9_][A-Za-z0-9_./-]*\.proto$`}
	s.parse = func(t string) (string, error) {
		const help = "write a path relative to the spec, such as contracts/orders.proto"
		switch {
		case path.IsAbs(t) || strings.Contains(t, `\`) || strings.Contains(t, ":"):
			return "", problemf(help, "%q is not relative to the spec's folder", t)
		case t != path.Clean(t) || strings.HasPrefix(t, "../") || t == "..":
			return "", problemf(help, "%q does not stay below the spec's folder", t)
		case !strings.HasSuffix(t, ".proto"):
			return "", problemf(help, "%q is no .proto file", t)
		}
		if err := module.CheckFilePath(t); err != nil {
			return "", problemf(help, "%q is no portable file name", t)
		}
		return t, nil
	}
	return s
}

// checkService reports what a service cannot have together.
func checkService(d *decoder, at place, s *Service, given *keys) {
	if s.Proto.Set {
		if span, ok := given.span("types"); ok && len(s.Aggregates)+len(s.Views) == 0 {
			d.fail(at.path+".types", span, problemf("declare messages in "+s.Proto.V, "types of a contract-first service without aggregates are used nowhere"))
		}
		for _, m := range s.API {
			d.checkContractFirst(at, s, m)
		}
	}
}

// checkContractFirst reports behaviours of a method that its .proto file declares.
func (d *decoder) checkContractFirst(at place, s *Service, m *Method) {
	p := at.path + ".api." + m.Name.V
	refuse := func(name string, span source.Span) {
		d.fail(p+"."+name, span, problemf("leave http, internal, public and scopes; the method is your own code", "%s has its contract in %s, so that it cannot have %q", m.Name.V, s.Proto.V, name))
	}
	for _, b := range m.behaviours() {
		refuse(b.name, b.value.Span)
	}
	if len(m.From) > 0 {
		refuse("from", m.From[0].Span)
	}
	if m.To.Set {
		refuse("to", m.To.Span)
	}
	if len(m.Sends) > 0 {
		refuse("sends", m.Sends[0].Name.Span)
	}
	if m.Starts.Set {
		refuse("starts", m.Starts.Span)
	}
	if m.HasRequest {
		refuse("request", m.Name.Span)
	}
	if m.HasResponse {
		refuse("response", m.Name.Span)
	}
}

// namedValue is a behaviour that a method has.
type namedValue struct {
	name  string
	value Value[string]
}

// behaviours are those of creates, reads, lists, updates and deletes that are set.
func (m *Method) behaviours() []namedValue {
	var list []namedValue
	for _, b := range []struct {
		name  string
		value *Value[string]
	}{{"creates", &m.Creates}, {"reads", &m.Reads}, {"lists", &m.Lists}, {"updates", &m.Updates}, {"deletes", &m.Deletes}} {
		if b.value.Set {
			list = append(list, namedValue{b.name, *b.value})
		}
	}
	return list
}

// Behaviour is the one of creates, reads, lists, updates and deletes that the method has, and its aggregate or view; "" for the user's
// own methods.
func (m *Method) Behaviour() (name string, target Value[string]) {
	switch {
	case m.Creates.Set:
		return "creates", m.Creates
	case m.Reads.Set:
		return "reads", m.Reads
	case m.Lists.Set:
		return "lists", m.Lists
	case m.Updates.Set:
		return "updates", m.Updates
	case m.Deletes.Set:
		return "deletes", m.Deletes
	}
	return "", Value[string]{}
}

// checkMethod reports keys of a method that do not go together.
func checkMethod(d *decoder, at place, m *Method, given *keys) {
	list := m.behaviours()
	if len(list) > 1 {
		second, _ := given.span(list[1].name)
		d.fail(at.path, second, problemf("make them two methods", "%s cannot both be %q and %q", m.Name.V, list[0].name, list[1].name))
	}
	kind, _ := m.Behaviour()
	refuse := func(name, help, format string, args ...any) {
		if span, ok := given.span(name); ok {
			d.fail(at.path+"."+name, span, problemf(help, format, args...))
		}
	}
	if kind != "updates" {
		refuse("from", "use it with `updates`", "%s changes no state: it has no `updates`", m.Name.V)
		refuse("to", "use it with `updates`", "%s changes no state: it has no `updates`", m.Name.V)
	} else if _, ok := given.span("to"); !ok {
		refuse("from", "add `to:`, the state after the transition", "%s has `from` without `to`", m.Name.V)
	}
	if kind != "" {
		help := fmt.Sprintf("remove it: the contract of %q follows from its aggregate", kind)
		refuse("request", help, "%s cannot have a request of its own", m.Name.V)
		refuse("response", help, "%s cannot have a response of its own", m.Name.V)
	}
	if kind == "reads" || kind == "lists" {
		refuse("sends", "send it from the method that changes something", "%s changes nothing, so that it has nothing to send", m.Name.V)
	}
	switch kind {
	case "reads":
	case "lists":
		refuse("cache", "cache methods with `reads`", "%s reads many rows: which of its answers a change makes untrue cannot be told", m.Name.V)
	default:
		refuse("cache", "cache methods with `reads`", "%s reads no row by its key, so that its answer cannot be cached", m.Name.V)
	}
	if m.HTTP == nil {
		refuse("rateLimit", "expose it by `http`, or remove the limit", "%s has no route whose requests could be limited", m.Name.V)
	}
	if kind != "creates" {
		refuse("starts", "start it from the method that creates the aggregate", "%s creates nothing that a saga could follow", m.Name.V)
	}
}

// checkAggregate reports fields that msgen adds itself.
func checkAggregate(d *decoder, at place, a *Aggregate, _ *keys) {
	for _, f := range a.Fields {
		why := reservedResource(f.Name.V)
		if why == "" || f.Name.V == "id" && a.Key.V == "id" {
			continue
		}
		d.fail(at.path+".fields."+f.Name.V, f.Name.Span, problemf("remove it, or give it another name", "an aggregate cannot have a field %q: %s", f.Name.V, why))
	}
	if a.EventSourced.V {
		checkEventSourced(d, at, a)
	}
}

// checkEventSourced reports what an aggregate cannot be together with event sourced.
func checkEventSourced(d *decoder, at place, a *Aggregate) {
	for _, s := range a.States {
		switch s.V {
		case "created", "updated", "deleted":
			d.fail(at.path+".states."+s.V, s.Span, problemf("give the state another name",
				"an event-sourced aggregate cannot have a state %q: its events are named after their states, and one of this name is recorded anyway", s.V))
		}
	}
	if a.RenamedFrom.Set {
		d.fail(at.path+".renamedFrom", a.RenamedFrom.Span, problemf("keep the name "+a.RenamedFrom.V,
			"an event-sourced aggregate cannot be renamed: its events are stored under its name and never change"))
	}
}

// checkView reports fields that msgen adds itself, and a key that is listed among the fields.
func checkView(d *decoder, at place, v *View, _ *keys) {
	for _, f := range v.Fields {
		p := at.path + ".fields." + f.Name.V
		switch f.Name.V {
		case v.Key.V:
			d.fail(p, f.Name.Span, problemf("remove it from the fields", "the key %q is a field of the view already", f.Name.V))
		case "update_time", "create_time", "etag", "version", "request_id", "page_size", "page_token", "next_page_token":
			d.fail(p, f.Name.Span, problemf("remove it, or give it another name", "a view cannot have a field %q: msgen adds it itself", f.Name.V))
		}
	}
}

// shortestCertificate is the least that cert-manager issues (its API reference, Certificate.spec.duration).
const shortestCertificate = time.Hour

// checkSecurity reports a life of certificates that nothing can have.
func (d *decoder) checkSecurity() {
	s := d.spec.Security
	if s == nil || !s.MTLSRotation.Set {
		return
	}
	if s.MTLSMode.V == "off" {
		d.fail("security.mtls.rotation", s.MTLSRotation.Span, problemf("use `mode: strict`, or remove it", "without mTLS there is no certificate to rotate"))
		return
	}
	for _, target := range d.spec.Deployment.Targets {
		if target.V == "kubernetes" && s.MTLSRotation.V < shortestCertificate {
			d.fail("security.mtls.rotation", s.MTLSRotation.Span, problemf("use 1h or more, such as 24h", "cert-manager issues no certificate for less than an hour"))
		}
	}
}
