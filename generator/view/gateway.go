package view

import (
	"net/http"
	"strings"
)

// gateway collects the routes.
func (b *builder) gateway() {
	if b.spec.Gateway == nil {
		return
	}
	gw := &Gateway{System: b.sys, Spec: b.spec.Gateway}
	for _, s := range b.sys.Services {
		for _, m := range s.Methods {
			if m.Route != nil {
				gw.Routes = append(gw.Routes, m.Route)
				addService(&gw.Services, s)
			}
		}
	}
	if len(gw.Routes) > 0 {
		b.sys.Gateway = gw
	}
}

// route binds a method to REST.
func route(m *Method, verb, path string, params []string) *Route {
	r := &Route{Method: m, Verb: verb, Path: path, Success: http.StatusOK}
	prefix := ""
	switch verb {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		r.Body = "*"
	}
	if m.Kind == Update {
		prefix = m.Resource.Snake + "."
		r.Body, r.Mask = m.Resource.Snake, "update_mask"
	}
	if m.Kind == Create {
		r.Success = http.StatusCreated
	}
	segments := strings.Split(path, "/")
	protoSegments := append([]string{}, segments...)
	for i, seg := range segments {
		if !strings.HasPrefix(seg, "{") {
			continue
		}
		name := strings.Trim(seg, "{}")
		segments[i] = ":" + name
		protoSegments[i] = "{" + prefix + name + "}"
	}
	r.Gin, r.Proto = strings.Join(segments, "/"), strings.Join(protoSegments, "/")
	for _, p := range params {
		r.Params = append(r.Params, RouteParam{Name: p, Field: prefix + p})
	}
	return r
}
