package view

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/msgen-dev/msgen/schema"
)

// Pod is one deployable process: a service or the gateway.
type Pod struct {
	System                  *System
	Name                    string
	Dir                     string
	Port                    int
	PortName                string
	Public                  bool // clients outside the cluster come to it
	Headless                bool
	Database, Broker, Redis bool // it talks to them
	Issuer                  bool // it fetches the keys of an identity provider
	IssuerPort              int
	// Callers and Callees are the pods at the other end of its declared edges, in the spec's order.
	Callers, Callees []string
	Min, Max, CPU    int
	Resources        schema.Resources
}

// Pods are all processes: the services in the spec's order, then the gateway.
func (s *System) Pods() []*Pod {
	headless := s.Spec.Stack.Discovery.V == "kubernetes"
	var pods []*Pod
	for _, svc := range s.Services {
		pods = append(pods, &Pod{
			System: s, Name: svc.Name, Dir: svc.Dir, Port: 9000, PortName: "grpc", Headless: headless,
			Database: svc.HasDB, Broker: svc.UsesKafka(), Redis: svc.UsesRedis(), Callers: s.callers(svc), Callees: names(svc.Clients),
			Min: svc.Spec.Scaling.Min.V, Max: svc.Spec.Scaling.Max.V, CPU: svc.Spec.Scaling.CPU.V,
			Resources: s.Spec.Deployment.Resources,
		})
	}
	if s.Gateway != nil {
		gw := &Pod{
			System: s, Name: "gateway", Dir: "gateway", Port: 8080, PortName: "http", Public: true, Callees: names(s.Gateway.Services), Redis: s.Gateway.SharesLimit(),
			Min: gatewayMin, Max: gatewayMax, CPU: gatewayCPU, Resources: s.Spec.Deployment.Resources,
		}
		if jwt := s.Gateway.Spec.JWT; jwt != nil {
			gw.Issuer, gw.IssuerPort = true, portOf(jwt.JWKS.V)
		}
		pods = append(pods, gw)
	}
	return pods
}

// The gateway's scaling: the spec has none for it, so it takes a service's defaults.
const gatewayMin, gatewayMax, gatewayCPU = 2, 10, 70

func names(services []*Service) []string {
	var list []string
	for _, s := range services {
		list = append(list, s.Name)
	}
	return list
}

// callers are the pods with a gRPC edge to a service. Sagas and events go through the broker and need none.
func (s *System) callers(target *Service) []string {
	var list []string
	for _, svc := range s.Services {
		if len(svc.CallsTo(target)) > 0 {
			list = append(list, svc.Name)
		}
	}
	if s.Gateway != nil {
		for _, svc := range s.Gateway.Services {
			if svc == target {
				list = append(list, "gateway")
			}
		}
	}
	return list
}

// UsesKafka reports that the service talks to the broker.
func (s *Service) UsesKafka() bool { return s.HasOutbox || s.HasInbox }

// UsesKafka reports that some service talks to the broker.
func (s *System) UsesKafka() bool {
	for _, svc := range s.Services {
		if svc.UsesKafka() {
			return true
		}
	}
	return false
}

// UsesDatabase reports that some service has a database.
func (s *System) UsesDatabase() bool { return s.DatabaseNames() != "" }

// DatabaseServices are the services that have one.
func (s *System) DatabaseServices() []*Service {
	var list []*Service
	for _, svc := range s.Services {
		if svc.HasDB {
			list = append(list, svc)
		}
	}
	return list
}

// DatabaseNames are the services' databases, separated by spaces.
func (s *System) DatabaseNames() string {
	var list []string
	for _, svc := range s.Services {
		if svc.HasDB {
			list = append(list, svc.DatabaseName)
		}
	}
	return strings.Join(list, " ")
}

// UsesJaeger reports that traces go to Jaeger.
func (s *System) UsesJaeger() bool { return s.Spec.Stack.Tracing.V == "jaeger" }

// UsesCollector reports that traces go to an OpenTelemetry collector.
func (s *System) UsesCollector() bool { return !s.UsesJaeger() }

// OTLPHost is the name of what takes the traces.
func (s *System) OTLPHost() string {
	if s.UsesJaeger() {
		return "jaeger"
	}
	return "otel-collector"
}

// DependsOn are the components that must be healthy before the service starts under Compose.
func (s *Service) DependsOn() []string {
	var list []string
	if s.System.UsesTLS() {
		list = append(list, "certs")
	}
	if s.HasDB {
		list = append(list, "postgres")
	}
	if s.UsesKafka() {
		list = append(list, "kafka")
	}
	if s.UsesRedis() {
		list = append(list, "redis")
	}
	return list
}

// GraceSeconds is the time to stop.
func (s *System) GraceSeconds() int {
	return int((s.Spec.Deployment.GracePeriod.V + time.Second - 1) / time.Second)
}

// StopSeconds is when a process is killed: the time to stop and some more, so that it is the process that ends itself.
func (s *System) StopSeconds() int { return s.GraceSeconds() + 10 }

// TerminationSeconds is when Kubernetes kills the pod.
func (p *Pod) TerminationSeconds() int { return p.System.StopSeconds() }

// DrainSeconds is how long a pod goes on serving after it was told to stop, for the endpoints to forget it: 5 s, and never more than a third
// of the time to stop, of which it is a part.
func (s *System) DrainSeconds() int { return min(5, s.GraceSeconds()/3) }

// portOf is the port of a URL, by its scheme when it names none.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err == nil && u.Port() != "" {
		if port, err := strconv.Atoi(u.Port()); err == nil {
			return port
		}
	}
	if err == nil && u.Scheme == "http" {
		return 80
	}
	return 443
}

// ComposeMemory is the memory limit in Compose's notation.
func (s *System) ComposeMemory() string {
	return composeMemory(s.Spec.Deployment.Resources.MemoryLimit.V)
}

// ComposeReservation is the memory that is set aside, in Compose's notation.
func (s *System) ComposeReservation() string {
	return composeMemory(s.Spec.Deployment.Resources.Memory.V)
}

// composeMemory is a quantity in Compose's notation, which has no binary suffixes: 256Mi is 256m.
func composeMemory(quantity string) string {
	return strings.ToLower(strings.TrimSuffix(quantity, "i"))
}

// ComposeCPU is the CPU that is set aside in Compose's notation, which is in CPUs: 100m is 0.1.
func (s *System) ComposeCPU() string {
	cpu := s.Spec.Deployment.Resources.CPU.V
	milli, ok := strings.CutSuffix(cpu, "m")
	if !ok {
		return cpu
	}
	n, err := strconv.ParseFloat(milli, 64)
	if err != nil {
		return cpu
	}
	return strconv.FormatFloat(n/1000, 'f', -1, 64)
}
