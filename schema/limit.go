package schema

import "time"

// limitDefaults completes the limit of a route: who is counted is as for the gateway's own.
func (d *decoder) limitDefaults(m *Method, gateway *RateLimit) {
	r, at := m.RateLimit, m.path+".rateLimit"
	defaulted(d, &r.Per, time.Second, r.Span, at+".per", byDefault)
	defaulted(d, &r.Burst, 2*r.Requests.V, r.Span, at+".burst", "twice the requests")
	by, why := gateway.By.V, "as the gateway's"
	if m.Public.V && by == "token" {
		by, why = "client", "the route is public"
	}
	defaulted(d, &r.By, by, r.Span, at+".by", why)
}

// checkLimits reports limits that count by what is not there.
func (d *decoder) checkLimits() {
	g := d.spec.Gateway
	if g == nil {
		return
	}
	if r := g.RateLimit; r.By.V == "token" && g.JWT == nil {
		d.fail("gateway.rateLimit.by", r.By.Span, problemf("add `auth` to the gateway, or use `by: client`", "requests cannot be counted by token: the gateway takes none"))
	}
	for _, service := range d.spec.Services {
		for _, m := range service.API {
			r := m.RateLimit
			if r == nil || m.HTTP == nil {
				continue
			}
			at := m.path + ".rateLimit"
			switch {
			case r.By.V == "token" && m.Public.V:
				d.fail(at+".by", r.By.Span, problemf("use `by: client`", "requests of %s cannot be counted by token: it is public", m.Name.V))
			case r.By.Set && r.By.V == "token" && g.JWT == nil:
				d.fail(at+".by", r.By.Span, problemf("add `auth` to the gateway, or use `by: client`", "requests of %s cannot be counted by token: the gateway takes none", m.Name.V))
			}
		}
	}
}
