package rule

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// maxCoupling is the longest chain of calls that is only warned of: twice what is thought sound.
const maxCoupling = 2 * maxChain

// tightCoupling reports, once for each service that begins one, a chain of calls so long that the services are one program in pieces.
func tightCoupling(s *schema.Spec, report Report) {
	longestChains(s, func(path []*schema.Call) {
		if len(path) > maxCoupling {
			report.add(chainFinding(path, maxCoupling, "cut it in two: let a service in the middle keep a view of events instead of calling"))
		}
	})
}

// longestChains calls f for the longest chain of synchronous calls of each service that calls and that no other calls.
func longestChains(s *schema.Spec, f func(path []*schema.Call)) {
	type link struct {
		call   *schema.Call // the first call of the service's longest chain; nil when it calls nobody
		length int
	}
	longest := map[*schema.Service]link{}
	open, called := map[*schema.Service]bool{}, map[*schema.Service]bool{}
	var walk func(service *schema.Service) int
	walk = func(service *schema.Service) int {
		if known, ok := longest[service]; ok || open[service] {
			return known.length
		}
		open[service] = true
		var best link
		for _, c := range service.Calls {
			if c.Target.Service == nil {
				continue
			}
			called[c.Target.Service] = true
			n := walk(c.Target.Service) + 1
			if ends(c) {
				n = 1
			}
			if n > best.length {
				best = link{c, n}
			}
		}
		open[service] = false
		longest[service] = best
		return best.length
	}
	for _, service := range s.Services {
		walk(service)
	}
	for _, service := range s.Services {
		if called[service] || longest[service].call == nil {
			continue
		}
		var path []*schema.Call
		seen := map[*schema.Service]bool{}
		for at := service; longest[at].call != nil && !seen[at]; at = longest[at].call.Target.Service {
			seen[at] = true
			path = append(path, longest[at].call)
			if ends(longest[at].call) {
				break
			}
		}
		f(path)
	}
}

// ends reports whether the method called calls nobody in turn: those that only read an aggregate or a view answer from their own database.
func ends(c *schema.Call) bool { return c.Target.Method != nil && c.Target.Method.ReadOnly() }

// chainFinding is what is said of a chain of calls that is longer than a bound.
func chainFinding(path []*schema.Call, bound int, help string) finding {
	first := path[0]
	names := []string{first.Service.Name.V}
	var related []diag.Label
	for i, c := range path {
		names = append(names, c.Target.Service.Name.V)
		if i > 0 {
			related = append(related, label(c.Target.Name.Span, ""))
		}
	}
	return finding{
		path: "services." + first.Service.Name.V + ".calls", span: first.Target.Name.Span, help: help, related: related,
		message: fmt.Sprintf("a chain of %d synchronous calls, more than %d: %s", len(path), bound, strings.Join(names, " → ")),
	}
}
