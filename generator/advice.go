package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/view"
)

// Advice is what a person must see to when a system with new names is deployed, as nothing that is generated can: a sentence each.
func (p *Plan) Advice() []string {
	r := p.renames
	if r == nil {
		return nil
	}
	var list []string
	add := func(one Rename, format string, args ...any) {
		list = append(list, fmt.Sprintf("%s: ", one)+fmt.Sprintf(format, args...))
	}
	for _, one := range r.All {
		switch one.Kind {
		case "service":
			r.adviseService(one, add)
		case "method":
			r.adviseMethod(one, add)
		case "event":
			r.adviseEvent(one, add)
		case "aggregate":
			add(one, "its messages and the lists of them have other names in JSON; its table is renamed when the new release starts, so stop the old one before")
		case "field":
			r.adviseField(one, add)
		}
	}
	return list
}

func (r *Renames) adviseService(one Rename, add func(Rename, string, ...any)) {
	was, is := one.was, one.is
	if was.ProtoPackage != is.ProtoPackage {
		add(one, "callers reach %s.%s under another name: deploy them together with it", is.ProtoPackage, is.GRPCName)
	}
	if is.HasDB {
		add(one, "its rows stay in the database that it had: in Kubernetes give the Secret %s-database the url of %s-database; with compose, before make up, "+
			"ALTER DATABASE %s RENAME TO %s, and the role likewise", is.Name, was.Name, was.DatabaseName, is.DatabaseName)
	}
	if topics := moved([]string{was.EventTopic, was.CommandTopic, was.ReplyTopic}, []string{is.EventTopic, is.CommandTopic, is.ReplyTopic}); topics != "" {
		add(one, "what is still in its outbox or on its old topics reaches nobody afterwards (%s): stop what calls it, and let receivers read those to their end before you deploy", topics)
	}
	if is.HasInbox {
		add(one, "it reads as the consumer group %s instead of %s: before it starts give that group the offsets of the old one, and UPDATE inbox SET consumer_group = '%s', or it handles every event a second time",
			is.Group, was.Group, is.Group)
	}
	if r.now.Kubernetes() {
		add(one, "the overlays in deploy/k8s/overlays are yours: name the image %s/%s in them instead of %s/%s, and delete the old Deployment from the cluster", r.now.Name, is.Name, r.was.Name, was.Name)
	}
}

// moved are the topics that have another name, "a is b".
func moved(was, is []string) string {
	var list []string
	for i := range was {
		if was[i] != is[i] && was[i] != "" {
			list = append(list, was[i]+" is "+is[i])
		}
	}
	return strings.Join(list, ", ")
}

func (r *Renames) adviseMethod(one Rename, add func(Rename, string, ...any)) {
	i := slices.IndexFunc(one.is.Methods, func(m *view.Method) bool { return m.Name == one.To })
	if i < 0 {
		return
	}
	m := one.is.Methods[i]
	add(one, "callers of %s.%s/%s get UNIMPLEMENTED: deploy them together with it; its route at the gateway is what the spec says", one.was.ProtoPackage, one.was.GRPCName, one.From)
	if m.IsCommand {
		add(one, "sagas that run while you deploy know the old command: stop what starts them, and let them end before you deploy")
	}
	if m.HasRequestID() {
		add(one, "a request that was made before and is repeated afterwards is done twice: its request id is remembered under the old name")
	}
}

func (r *Renames) adviseEvent(one Rename, add func(Rename, string, ...any)) {
	i := slices.IndexFunc(r.now.Events, func(e *view.Event) bool { return e.Name == one.To })
	if i < 0 {
		return
	}
	was, is := r.was.Events[i], r.now.Events[i]
	if types := moved(was.Types, is.Types); types != "" {
		add(one, "receivers of this release pass over what was sent under the old type (%s): stop what sends it, and let the receivers of before read its topic to the end before you deploy", types)
	}
}

func (r *Renames) adviseField(one Rename, add func(Rename, string, ...any)) {
	add(one, "its number stays, but REST and all else that is JSON has the new name: deploy those who use it together with it")
	for _, of := range []string{".aggregates.", ".views."} {
		if strings.Contains(one.Path, of) {
			add(one, "its column is renamed when the new release starts, so stop the old one before")
		}
	}
}
