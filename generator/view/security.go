package view

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/msgen-dev/msgen/schema"
)

// TLSMode is how the system's connections are secured: strict, permissive, or "" for plain ones.
func (s *System) TLSMode() string {
	if sec := s.Spec.Security; sec != nil && sec.MTLSMode.V != "off" { // "" when the section leaves it out
		return sec.MTLSMode.V
	}
	return ""
}

// UsesTLS reports that the processes have certificates.
func (s *System) UsesTLS() bool { return s.TLSMode() != "" }

// StrictTLS reports that plain connections are refused.
func (s *System) StrictTLS() bool { return s.TLSMode() == "strict" }

// TLSModeGo is the mode as a constant of the platform.
func (s *System) TLSModeGo() string {
	if s.StrictTLS() {
		return "mtls.Strict"
	}
	return "mtls.Permissive"
}

// CertificateLife is how long a certificate lives.
func (s *System) CertificateLife() time.Duration { return s.Spec.Security.MTLSRotation.V }

// CertificateLifeText is how long a certificate lives, as the spec writes it.
func (s *System) CertificateLifeText() string { return schema.FormatDuration(s.CertificateLife()) }

// CertificateLifeGo is how long a certificate lives, as Go.
func (s *System) CertificateLifeGo() string { return GoDuration(s.CertificateLife()) }

// CertificateRenewal is how long before its end a certificate is made anew: a third of its life.
func (s *System) CertificateRenewal() time.Duration {
	return (s.CertificateLife() / 3).Round(time.Second)
}

// CertificateAlarm is how many seconds before its end a certificate that was not renewed is a reason to wake somebody: half of the time that
// is left for it.
func (s *System) CertificateAlarm() int { return int(s.CertificateRenewal() / 2 / time.Second) }

// Callers are the processes that may call the method: those with a call to it in the spec, and the gateway if it has a route. Commands of a
// saga go through the broker.
func (m *Method) Callers() []string {
	var list []string
	for _, svc := range m.Service.System.Services {
		for _, c := range svc.Calls {
			if c.Method == m {
				list = append(list, svc.Name)
			}
		}
	}
	if m.Route != nil && m.Service.System.Gateway != nil {
		list = append(list, "gateway")
	}
	return list
}

// Called are the methods that somebody may call.
func (s *Service) Called() []*Method {
	var list []*Method
	for _, m := range s.Methods {
		if len(m.Callers()) > 0 {
			list = append(list, m)
		}
	}
	return list
}

// FullMethodName is the constant of the stubs that names the method: ordersv1.OrdersService_GetOrder_FullMethodName.
func (m *Method) FullMethodName() string {
	return m.Service.Package + "." + m.Service.GRPCName + "_" + m.Name + "_FullMethodName"
}

// SpiffeID is the identity in the pod's certificate.
func (p *Pod) SpiffeID() string { return p.System.spiffeID(p.Name) }

// ScraperID is the identity in the certificate with which metrics are read.
func (s *System) ScraperID() string { return s.spiffeID("prometheus") }

// SpiffeExample is the identity of the first service.
func (s *System) SpiffeExample() string { return s.spiffeID(s.Services[0].Name) }

func (s *System) spiffeID(name string) string {
	return "spiffe://" + s.Name + "/ns/" + s.Spec.Deployment.Namespace.V + "/sa/" + name
}

// Signs reports that messages and requests are signed.
func (s *System) Signs() bool {
	return s.Spec.Security != nil && s.Spec.Security.RequestSigning.V == "hmac-sha256"
}

// Secures reports that processes have to be told whom to trust.
func (s *System) Secures() bool { return s.UsesTLS() || s.Signs() }

// Sender is a message that a service takes, as Go, and the sources that may send it.
type Sender struct {
	Type    string
	Sources []string
}

// TrustedSenders are the messages that the service takes: events from who sends them, commands from the orchestrators that give them,
// replies from those that were asked, and what choreographed sagas make it react to.
func (s *Service) TrustedSenders() []Sender {
	sources := map[string]map[string]bool{}
	add := func(typ string, from *Service) {
		if sources[typ] == nil {
			sources[typ] = map[string]bool{}
		}
		sources[typ][from.Source] = true
	}
	events := func(e *Event) {
		for i, typ := range e.Types {
			add(strconv.Quote(typ), e.Senders[i])
		}
	}
	for _, r := range s.Receives {
		events(r.Event)
	}
	for _, p := range s.Projects {
		events(p.Event)
	}
	for _, sg := range s.System.Sagas {
		if sg.Choreographed() {
			for _, e := range sg.FlowEvents() {
				if e.Starter && sg.Service == s || slices.Contains(e.To, s) {
					add(strconv.Quote(e.Type), e.From)
				}
			}
			continue
		}
		for _, c := range sg.given() {
			if c.Method.Service == s {
				add(strconv.Quote(c.Method.CommandType), sg.Service)
			}
			if sg.Service == s {
				add("saga.ReplyType", c.Method.Service)
			}
		}
	}
	list := make([]Sender, 0, len(sources))
	for _, typ := range slices.Sorted(maps.Keys(sources)) {
		list = append(list, Sender{typ, slices.Sorted(maps.Keys(sources[typ]))})
	}
	return list
}

// given are all commands that the saga can give.
func (s *Saga) given() []*SagaCommand {
	var list []*SagaCommand
	for _, step := range s.Steps {
		list = append(list, step.Invoke)
		if step.Compensate != nil {
			list = append(list, step.Compensate)
		}
	}
	if s.OnFailure != nil {
		list = append(list, s.OnFailure)
	}
	return list
}
