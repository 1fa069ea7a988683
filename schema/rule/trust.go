package rule

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// The rules here read the section `security`. A spec without one is left in peace: it leaves trust to the network that it runs in.

func weakMTLS(s *schema.Spec, report Report) {
	if s.Security == nil {
		return
	}
	switch mode := s.Security.MTLSMode; {
	case !mode.Set:
		report.add(finding{
			path: "security.mtls", span: s.Security.Span, message: "security without mTLS: services talk in plain text",
			help: "add `mtls: {mode: strict}`",
		})
	case mode.V != "strict":
		why := "services talk in plain text"
		if mode.V == "permissive" {
			why = "a plain connection is taken too"
		}
		report.add(finding{path: "security.mtls.mode", span: mode.Span, message: fmt.Sprintf("mTLS is %s: %s", mode.V, why), help: "use `mode: strict`"})
	}
}

func servicesWithoutIdentity(s *schema.Spec, report Report) {
	if s.Security != nil && !s.Security.ServiceAuth.Set {
		report.add(finding{
			path: "security.serviceAuth", span: s.Security.Span, message: "services do not prove to each other who they are",
			help: "add `serviceAuth: jwt`",
		})
	}
}

func unsignedRequests(s *schema.Spec, report Report) {
	if s.Security == nil || s.Security.RequestSigning.Set && s.Security.RequestSigning.V != "none" {
		return
	}
	span, help := s.Security.Span, "add `requestSigning: hmac-sha256`"
	if s.Security.RequestSigning.Set {
		span, help = s.Security.RequestSigning.Span, "use `requestSigning: hmac-sha256`"
	}
	report.add(finding{path: "security.requestSigning", span: span, message: "internal requests are not signed", help: help})
}

// personalDataShared warns of personal data in an event that leaves for where nobody said that such data is.
func personalDataShared(s *schema.Spec, report Report) {
	names := personal{}
	carries := map[*schema.Event]*schema.Field{}
	for _, e := range s.Events {
		if f := names.among(e.Fields); f != nil {
			carries[e] = f
			if e.External.V {
				report.add(finding{
					path: "events." + e.Name.V + ".external", span: e.External.Span, message: fmt.Sprintf("%s carries %s out of the system", e.Name.V, f.Name.V),
					help: "send an id in its place: who may see the rest can ask for it", related: []diag.Label{label(f.Name.Span, "personal data")},
				})
			}
		}
	}
	names.flow(s, report)
	if len(carries) == 0 {
		return
	}
	type reader struct {
		service *schema.Service
		event   *schema.Event
	}
	told := map[reader]bool{}
	receivers(s, func(service *schema.Service, ref *schema.EventRef, path string) {
		f, at := carries[ref.Event], reader{service, ref.Event}
		if f == nil || service.PII.V || told[at] {
			return
		}
		told[at] = true
		report.add(finding{
			path: path, span: ref.Name.Span, message: fmt.Sprintf("%s carries %s to %s, which says nothing of personal data", ref.Name.V, f.Name.V, service.Name.V),
			help: "add `pii: true` to the service, or take the field out of the event", related: []diag.Label{label(f.Name.Span, "personal data")},
		})
	})
}

// flow warns of choreographed sagas: their events carry all of what they start with to each service that takes part.
func (p personal) flow(s *schema.Spec, report Report) {
	for _, saga := range s.Sagas {
		a := flowing(saga)
		if a == nil {
			continue
		}
		f := p.among(a.Fields)
		told := map[*schema.Service]bool{saga.Service: true}
		for _, ref := range saga.Refs() {
			if f == nil || ref.Service == nil || ref.Service.PII.V || told[ref.Service] {
				continue
			}
			told[ref.Service] = true
			report.add(finding{
				path: "sagas." + saga.Name.V + ".coordination", span: saga.Coordination.Span,
				message: fmt.Sprintf("the events of %s carry %s to %s, which says nothing of personal data", saga.Name.V, f.Name.V, ref.Service.Name.V),
				help:    "add `pii: true` to the service, or use `coordination: orchestration`: a command holds what its method takes and no more",
				related: []diag.Label{label(f.Name.Span, "personal data"), label(ref.Name.Span, "takes part")},
			})
		}
	}
}

// flowing is the aggregate that a choreographed saga's events carry; nil for another saga.
func flowing(saga *schema.Saga) *schema.Aggregate {
	if !saga.Choreographed() || len(saga.StartedBy) == 0 {
		return nil
	}
	return saga.StartedBy[0].Aggregate
}
