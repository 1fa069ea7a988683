package generator

import (
	"strings"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

// Class says to whom a file belongs.
type Class string

// The classes of files.
const (
	// Generated files are always rewritten.
	Generated Class = "generated"
	// Yours are made once and never touched again.
	Yours Class = "yours"
	// Merged files are ours until they are edited.
	Merged Class = "merged"
)

// item is one thing that a template is rendered for, with the values of the placeholders in its path.
type item struct {
	data any
	vars []string // placeholder, value, …
	dir  string   // the service's folder, for the import of its internal package
}

// output is one row of the table of everything that is written.
type output struct {
	template string // below templates/; the path mirrors the output's
	class    Class
	each     func(*view.System) []item
}

// outputs lists every template. The order has no meaning: the result is sorted by path.
var outputs = []output{
	{"root/README.md.tmpl", Merged, system},
	{"root/Makefile.tmpl", Merged, system},
	{"root/dot-gitignore.tmpl", Merged, system},
	{"root/dot-golangci.yml.tmpl", Merged, system},
	{"root/dot-github/workflows/ci.yml.tmpl", Merged, system},
	{"module/go.mod.tmpl", Merged, system},
	{"module/go.sum", Merged, system},
	{"docs/docs/architecture.md.tmpl", Generated, system},

	{"service/services/{service}/main.go.tmpl", Generated, services(nil)},
	{"service/services/{service}/service.go.tmpl", Yours, services(nil)},
	{"service/services/{service}/{service}_test.go.tmpl", Yours, services(nil)},
	{"service/services/{service}/{method}.go.tmpl", Yours, methods(nil)},
	{"service/services/{service}/{method}_prepare.go.tmpl", Yours, methods(func(m *view.Method) bool { return m.Prepare })},
	{"service/services/{service}/{receive}.go.tmpl", Yours, receives},
	{"service/services/{service}/{project}.go.tmpl", Yours, projects},
	{"service/services/{service}/{hook}.go.tmpl", Yours, hooks},
	{"service/services/{service}/internal/gentest/gentest.go.tmpl", Generated, services(nil)},
	{"service/services/{service}/internal/gen/gen.go.tmpl", Generated, services(nil)},
	{"service/services/{service}/internal/gen/main.go.tmpl", Generated, services(nil)},
	{"service/services/{service}/internal/gen/access.go.tmpl", Generated, services((*view.Service).Guarded)},
	{"service/services/{service}/internal/gen/senders.go.tmpl", Generated, services(func(s *view.Service) bool { return s.System.Signs() && s.HasInbox })},
	{"service/services/{service}/internal/gen/server.go.tmpl", Generated, services(func(s *view.Service) bool { return len(s.Methods) > 0 })},
	{"service/services/{service}/internal/gen/clients.go.tmpl", Generated, services(func(s *view.Service) bool { return len(s.Calls) > 0 })},
	{"service/services/{service}/internal/gen/store.go.tmpl", Generated, services(hasDB)},
	{"service/services/{service}/internal/gen/migrations.go.tmpl", Generated, services(hasDB)},
	{"service/services/{service}/internal/gen/rows.go.tmpl", Generated, services(func(s *view.Service) bool { return len(s.Aggregates) > 0 })},
	{"service/services/{service}/internal/gen/{aggregate}_repository.go.tmpl", Generated, aggregates(func(a *view.Aggregate) bool { return !a.EventSourced() })},
	{"service/services/{service}/internal/gen/{sourced}_repository.go.tmpl", Generated, aggregates((*view.Aggregate).EventSourced)},
	{"service/services/{service}/internal/gen/shards.go.tmpl", Generated, services((*view.Service).Sharded)},
	{"service/services/{service}/internal/gen/{aggregate}_shards.go.tmpl", Generated, aggregates((*view.Aggregate).Sharded)},
	{"service/services/{service}/internal/gen/{view}_repository.go.tmpl", Generated, views},
	{"service/services/{service}/internal/gen/events.go.tmpl", Generated, services(func(s *view.Service) bool { return len(s.Sends()) > 0 })},
	{"service/services/{service}/internal/gen/views.go.tmpl", Generated, services(func(s *view.Service) bool { return len(s.Views) > 0 })},
	{"service/services/{service}/internal/gen/consumer.go.tmpl", Generated, services(func(s *view.Service) bool { return s.HasInbox })},
	{"service/services/{service}/internal/gen/{saga}_saga.go.tmpl", Generated, sagas},
	{"service/services/{service}/internal/gen/{saga}_reactions.go.tmpl", Generated, reactions},

	{"gateway/gateway/main.go.tmpl", Generated, gateways},
	{"gateway/gateway/routes.go.tmpl", Generated, gateways},

	{"security/cmd/localca/main.go.tmpl", Generated, when((*view.System).UsesTLS)},

	{"deploy/Dockerfile.tmpl", Merged, system},
	{"deploy/dot-dockerignore.tmpl", Merged, system},
	{"deploy/deploy/compose/compose.yaml.tmpl", Generated, when((*view.System).Compose)},
	{"deploy/deploy/compose/postgres-init.sh.tmpl", Generated, when(both((*view.System).Compose, (*view.System).UsesDatabase))},
	{"deploy/deploy/compose/secrets.sh.tmpl", Generated, when((*view.System).Compose)},
	{"deploy/deploy/compose/otel-collector.yaml.tmpl", Generated, when(both((*view.System).Compose, (*view.System).UsesCollector))},
	{"deploy/deploy/prometheus/prometheus.yml.tmpl", Generated, system},
	{"deploy/deploy/prometheus/rules.yml.tmpl", Generated, system},
	{"deploy/deploy/grafana/provisioning/datasources/prometheus.yaml.tmpl", Generated, system},
	{"deploy/deploy/grafana/provisioning/dashboards/dashboards.yaml.tmpl", Generated, system},
	{"deploy/deploy/grafana/dashboards/system.json.tmpl", Generated, system},
	{"deploy/deploy/k8s/base/namespace.yaml.tmpl", Generated, when((*view.System).Kubernetes)},
	{"deploy/deploy/k8s/base/settings.env.tmpl", Generated, when((*view.System).Kubernetes)},
	{"deploy/deploy/k8s/base/kustomization.yaml.tmpl", Generated, when((*view.System).Kubernetes)},
	{"deploy/deploy/k8s/base/certificates.yaml.tmpl", Generated, when(both((*view.System).Kubernetes, (*view.System).UsesTLS))},
	{"deploy/deploy/k8s/base/{service}/certificate.yaml.tmpl", Generated, securePods},
	{"deploy/deploy/k8s/base/{service}/deployment.yaml.tmpl", Generated, pods},
	{"deploy/deploy/k8s/base/{service}/service.yaml.tmpl", Generated, pods},
	{"deploy/deploy/k8s/base/{service}/scaling.yaml.tmpl", Generated, pods},
	{"deploy/deploy/k8s/base/{service}/networkpolicy.yaml.tmpl", Generated, pods},
	{"deploy/deploy/k8s/base/{service}/token.yaml.tmpl", Generated, podsThat((*view.Pod).SignsTokens)},
	{"deploy/deploy/k8s/base/tokens.yaml.tmpl", Generated, when(both((*view.System).Kubernetes, (*view.System).SignsTokens))},
	{"deploy/deploy/k8s/overlays/dev/kustomization.yaml.tmpl", Yours, when((*view.System).Kubernetes)},
	{"deploy/deploy/k8s/overlays/prod/kustomization.yaml.tmpl", Yours, when((*view.System).Kubernetes)},
	{"deploy/deploy/k8s/overlays/prod/external-secrets.yaml.tmpl", Yours, when(both((*view.System).Kubernetes, (*view.System).UsesDatabase))},
}

func system(sys *view.System) []item { return []item{{data: sys}} }

func when(want func(*view.System) bool) func(*view.System) []item {
	return func(sys *view.System) []item {
		if !want(sys) {
			return nil
		}
		return system(sys)
	}
}

func both(a, b func(*view.System) bool) func(*view.System) bool {
	return func(sys *view.System) bool { return a(sys) && b(sys) }
}

func hasDB(s *view.Service) bool { return s.HasDB }

func services(want func(*view.Service) bool) func(*view.System) []item {
	return func(sys *view.System) []item {
		var list []item
		for _, s := range sys.Services {
			if want == nil || want(s) {
				list = append(list, of(s, s))
			}
		}
		return list
	}
}

// of is an item of a service; more are placeholders beside {service}.
func of(s *view.Service, data any, more ...string) item {
	return item{data: data, dir: s.Dir, vars: append([]string{"{service}", s.Name}, more...)}
}

func methods(want func(*view.Method) bool) func(*view.System) []item {
	return func(sys *view.System) []item {
		var list []item
		for _, s := range sys.Services {
			for _, m := range s.Methods {
				if want == nil || want(m) {
					list = append(list, of(s, m, "{method}", m.Snake))
				}
			}
		}
		return list
	}
}

func receives(sys *view.System) []item {
	var list []item
	for _, s := range sys.Services {
		for _, r := range s.Receives {
			list = append(list, of(s, r, "{receive}", r.Snake))
		}
	}
	return list
}

func projects(sys *view.System) []item {
	var list []item
	for _, s := range sys.Services {
		for _, p := range s.Projects {
			list = append(list, of(s, p, "{project}", p.Snake))
		}
	}
	return list
}

func sagas(sys *view.System) []item {
	var list []item
	for _, sg := range sys.Sagas {
		if !sg.Choreographed() {
			list = append(list, of(sg.Service, sg, "{saga}", sg.Snake))
		}
	}
	return list
}

func reactions(sys *view.System) []item {
	var list []item
	for _, s := range sys.Services {
		for _, p := range s.Parts() {
			list = append(list, of(s, p, "{saga}", p.Saga.Snake))
		}
	}
	return list
}

// hook is a function of the user's that fills a command of a saga.
type hook struct {
	Saga    *view.Saga
	Command *view.SagaCommand
}

func hooks(sys *view.System) []item {
	var list []item
	for _, sg := range sys.Sagas {
		for _, c := range sg.Hooks() {
			list = append(list, of(sg.Home(c), hook{sg, c}, "{hook}", schema.Snake(c.Hook)))
		}
	}
	return list
}

func aggregates(want func(*view.Aggregate) bool) func(*view.System) []item {
	return func(sys *view.System) []item {
		var list []item
		for _, s := range sys.Services {
			for _, a := range s.Aggregates {
				if want(a) {
					list = append(list, of(s, a, "{aggregate}", a.Snake, "{sourced}", a.Snake))
				}
			}
		}
		return list
	}
}

func views(sys *view.System) []item {
	var list []item
	for _, s := range sys.Services {
		for _, v := range s.Views {
			list = append(list, of(s, v, "{view}", v.Snake))
		}
	}
	return list
}

func gateways(sys *view.System) []item {
	if sys.Gateway == nil {
		return nil
	}
	return []item{{data: sys.Gateway}}
}

func pods(sys *view.System) []item { return podsThat(nil)(sys) }

func podsThat(want func(*view.Pod) bool) func(*view.System) []item {
	return func(sys *view.System) []item {
		if !sys.Kubernetes() {
			return nil
		}
		var list []item
		for _, p := range sys.Pods() {
			if want == nil || want(p) {
				list = append(list, item{data: p, vars: []string{"{service}", p.Name}})
			}
		}
		return list
	}
}

func securePods(sys *view.System) []item {
	return podsThat(func(*view.Pod) bool { return sys.UsesTLS() })(sys)
}

// outputPath is where a template's result goes: its path without the first folder and the suffix, with the placeholders filled.
func outputPath(template string, vars []string) string {
	_, p, _ := strings.Cut(template, "/")
	p = strings.TrimSuffix(p, ".tmpl")
	p = strings.ReplaceAll(p, "dot-", ".")
	return strings.NewReplacer(vars...).Replace(p)
}
