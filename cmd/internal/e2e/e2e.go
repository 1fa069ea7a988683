// Package e2e runs a generated system as separate processes on real components, for the end-to-end tests and the demo. It stands in for
// what surrounds a system in production: the identity provider that signs tokens and the collector that receives traces.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/linktest"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

// Components are the real components that a system runs on.
type Components struct {
	// Postgres is the URL of a superuser on the maintenance database.
	Postgres string
	// Kafka is one broker's host:port.
	Kafka string
	// KafkaBehind is the host:port of a listener of that broker which tells its clients to come by KafkaLink, where nobody listens yet. Both may
	// be empty.
	KafkaBehind, KafkaLink string
	// Redis is the URL of a server.
	Redis string
}

// FromEnv returns the components that the test stack names; an error says which is missing.
func FromEnv() (Components, error) {
	c := Components{
		Postgres: os.Getenv("MSGEN_TEST_POSTGRES"), Redis: os.Getenv("MSGEN_TEST_REDIS"),
		Kafka: os.Getenv("MSGEN_TEST_KAFKA"), KafkaBehind: os.Getenv("MSGEN_TEST_KAFKA_BEHIND"), KafkaLink: os.Getenv("MSGEN_TEST_KAFKA_LINK"),
	}
	if c.Postgres == "" || c.Kafka == "" || c.Redis == "" {
		return c, errors.New("no Postgres, Kafka or Redis: MSGEN_TEST_POSTGRES, MSGEN_TEST_KAFKA and MSGEN_TEST_REDIS are not set; make test sets them")
	}
	return c, nil
}

// DatabaseWord stands where the password is in every DATABASE_URL. The server of the tests asks for none.
const DatabaseWord = "e2e-database-password"

// System is a generated system that has been built.
type System struct {
	// Dir is the generated tree.
	Dir string
	// Name is the system's name.
	Name string
	// Services are the names of its services.
	Services []string
	// Log receives a line for each process that starts or stops.
	Log io.Writer

	bin        string
	components Components
	// prefix keeps runs apart that share a broker and a database server.
	prefix    string
	issuer    *Issuer
	collector *Collector
	redis     *linktest.Link
	databases map[string]*linktest.Link // nil: each service has its database without one
	broker    *linktest.Link            // nil: all processes have the broker without one
	processes map[string]*Process
	replicas  []string // of processes, beside the first of each service
	keepUp    bool
}

// Build compiles the tree in dir with the ordinary go command; without the folder's name in it, so that what another folder has built is found
// in the build cache.
func Build(ctx context.Context, dir, name string, services []string, components Components, log io.Writer) (*System, error) {
	bin := filepath.Join(dir, "bin")
	args := []string{"build", "-trimpath", "-o", bin + string(filepath.Separator), "./services/...", "./gateway"}
	if _, err := os.Stat(filepath.Join(dir, "cmd", localCA)); err == nil {
		args = append(args, "./cmd/"+localCA)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return &System{Dir: dir, Name: name, Services: services, Log: log, bin: bin, components: components, processes: map[string]*Process{}}, nil
}

// Start makes a database for each service, then starts the services and the gateway and waits until all are ready. Extra is added to every
// process's environment.
func (s *System) Start(ctx context.Context, extra ...string) error {
	s.prefix = fmt.Sprintf("e2e%d", time.Now().UnixNano())
	var err error
	if s.issuer, err = NewIssuer(); err != nil {
		return err
	}
	if s.collector, err = NewCollector(); err != nil {
		return err
	}
	var redis string
	if s.redis, redis, err = redistest.NewLink(s.components.Redis); err != nil {
		return err
	}
	broker := s.components.Kafka
	if s.broker != nil {
		broker = s.broker.Addr()
	}
	common := append([]string{
		"REDIS_URL=" + redis,
		"REDIS_PREFIX=" + s.prefix + ":",
		"KAFKA_BROKERS=" + broker,
		"KAFKA_TOPIC_PREFIX=" + s.prefix + ".",
		"KAFKA_PARTITIONS=4",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.collector.Endpoint(),
		"TRACE_SAMPLING=1",
		"SIGNING_KEYS_FILE=" + s.SigningKeysFile(),
	}, extra...)

	// Each address is known before any process starts, so that the services may come up in any order.
	for _, name := range s.Services {
		p, err := newProcess(name, filepath.Join(s.bin, name), s.Dir)
		if err != nil {
			return err
		}
		common = append(common, envName(name)+"_TARGET="+p.Main, envName(name)+"_JWKS_URL="+s.jwksURL(p))
		s.processes[name] = p
	}
	gateway, err := newProcess("gateway", filepath.Join(s.bin, "gateway"), s.Dir)
	if err != nil {
		return err
	}
	s.processes["gateway"] = gateway
	common = append(common, "GATEWAY_JWKS_URL="+s.jwksURL(gateway))
	if err := s.certify(ctx); err != nil {
		return err
	}
	if err := s.SigningKeys(NewSigningKey("k1")); err != nil {
		return err
	}
	for _, p := range s.processes {
		p.keepUp = s.keepUp
		if err := s.NewTokenKey(p.Name); err != nil {
			return err
		}
		secret := filepath.Join(filepath.Dir(s.TokenKeyFile(p.Name)), "client-secret")
		if err := os.WriteFile(secret, []byte(s.issuer.secret), 0o600); err != nil {
			return err
		}
		p.env = append(p.env, "TOKEN_KEY_FILE="+s.TokenKeyFile(p.Name), "OAUTH2_ISSUER="+s.issuer.URL, "OAUTH2_CLIENT_SECRET_FILE="+secret)
	}

	for _, name := range s.Services {
		database, err := s.createDatabase(ctx, name)
		if err != nil {
			return err
		}
		p := s.processes[name]
		p.env = slices.Concat(common, []string{"DATABASE_URL=" + database, "GRPC_ADDR=" + p.Main, "OPS_ADDR=" + p.Ops}, p.env)
	}
	gateway.env = slices.Concat(common, []string{"HTTP_ADDR=" + gateway.Main, "OPS_ADDR=" + gateway.Ops,
		"JWT_ISSUER=" + s.issuer.URL, "JWT_AUDIENCE=" + Audience, "JWT_JWKS_URL=" + s.issuer.URL + "/jwks.json"}, gateway.env)

	// The services together, then the gateway, as an orchestrator with health checks would.
	for _, group := range [][]string{s.Services, {"gateway"}} {
		for _, name := range group {
			if err := s.processes[name].Start(); err != nil {
				return err
			}
		}
		for _, name := range group {
			if err := s.processes[name].WaitReady(ctx); err != nil {
				return err
			}
			s.logf("%-14s ready on %s (ops %s)", name, s.processes[name].Main, s.processes[name].Ops)
		}
	}
	return nil
}

// Replicate starts a second process of each service, "orders-2", as an orchestrator does that scales it. It has the database, the certificate
// and the keys of the service, and its part of the messages; calls go to the first. It has the broker without a link.
func (s *System) Replicate(ctx context.Context, services ...string) error {
	for _, service := range services {
		first := s.processes[service]
		p, err := newProcess(service+"-2", first.binary, s.Dir)
		if err != nil {
			return err
		}
		p.env = append(slices.Clone(first.env), "GRPC_ADDR="+p.Main, "OPS_ADDR="+p.Ops, "KAFKA_BROKERS="+s.components.Kafka)
		p.ops, p.keepUp = first.ops, first.keepUp
		s.processes[p.Name], s.replicas = p, append(s.replicas, p.Name)
		if err := p.Start(); err != nil {
			return err
		}
	}
	for _, service := range services {
		if err := s.processes[service+"-2"].WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends every process, and removes the databases.
func (s *System) Stop(ctx context.Context) error {
	var errs []error
	for _, name := range s.Names() {
		if p := s.processes[name]; p != nil {
			errs = append(errs, p.Stop())
		}
	}
	if s.issuer != nil {
		s.issuer.Close()
	}
	if s.collector != nil {
		s.collector.Close()
	}
	for _, link := range []*linktest.Link{s.redis, s.broker} {
		if link != nil {
			link.Cut()
		}
	}
	for _, link := range s.databases {
		link.Cut()
	}
	for _, name := range s.Services {
		errs = append(errs, s.dropDatabase(ctx, name))
	}
	return errors.Join(errs...)
}

// Broker is one broker's address, and TopicPrefix what the names of the system's topics begin with.
func (s *System) Broker() string { return s.components.Kafka }

// TopicPrefix keeps the system's topics apart from others in the cluster.
func (s *System) TopicPrefix() string { return s.prefix + "." }

// Redis is the way of all processes to Redis, which can be cut and made to hang.
func (s *System) Redis() *linktest.Link { return s.redis }

// KeepUp has processes that end by themselves started again, as an orchestrator does. It is called before Start.
func (s *System) KeepUp() { s.keepUp = true }

// LinkDatabases has each service reach its database over a link. It is called before Start.
func (s *System) LinkDatabases() { s.databases = map[string]*linktest.Link{} }

// Database is the link of a service to its database.
func (s *System) Database(service string) *linktest.Link { return s.databases[service] }

// LinkBroker has the first process of each service reach the broker over one link. It is called before Start, by one system at a time.
func (s *System) LinkBroker() error {
	if s.components.KafkaBehind == "" || s.components.KafkaLink == "" {
		return errors.New("the broker has no listener for a link: MSGEN_TEST_KAFKA_BEHIND and MSGEN_TEST_KAFKA_LINK are not set; make test sets them")
	}
	var err error
	s.broker, err = linktest.NewAt(s.components.KafkaLink, s.components.KafkaBehind)
	return err
}

// BrokerLink is the way of the first process of each service to the broker, after LinkBroker.
func (s *System) BrokerLink() *linktest.Link { return s.broker }

// Issuer signs the tokens of the system's users.
func (s *System) Issuer() *Issuer { return s.issuer }

// Process is a running service, or "gateway".
func (s *System) Process(name string) *Process { return s.processes[name] }

// URL is a path of the gateway.
func (s *System) URL(path string) string { return "http://" + s.processes["gateway"].Main + path }

// Token is a token signed by the system's issuer with the given subject and scopes.
func (s *System) Token(subject string, scopes ...string) (string, error) {
	return s.issuer.Token(subject, scopes...)
}

// ClientToken is a token for a callee that the system's issuer gives to the client of a service.
func (s *System) ClientToken(client, audience string) (string, error) {
	return s.issuer.ClientToken(client, audience)
}

// Collector holds the traces that the system has sent.
func (s *System) Collector() *Collector { return s.collector }

// DB opens one service's database.
func (s *System) DB(ctx context.Context, service string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.databaseURL(service))
}

// Names are those of all processes, the gateway last.
func (s *System) Names() []string { return slices.Concat(s.Services, s.replicas, []string{"gateway"}) }

func (s *System) databaseName(service string) string {
	return s.prefix + "_" + strings.ReplaceAll(service, "-", "_")
}

func (s *System) databaseURL(service string) string {
	u, err := url.Parse(s.components.Postgres)
	if err != nil {
		return ""
	}
	u.Path = "/" + s.databaseName(service)
	u.User = url.UserPassword(u.User.Username(), DatabaseWord)
	return u.String()
}

// createDatabase returns the URL by which the service reaches its database.
func (s *System) createDatabase(ctx context.Context, service string) (string, error) {
	if err := s.admin(ctx, "CREATE DATABASE "+pgx.Identifier{s.databaseName(service)}.Sanitize()); err != nil {
		return "", err
	}
	direct := s.databaseURL(service)
	if s.databases == nil {
		return direct, nil
	}
	u, err := url.Parse(direct)
	if err != nil {
		return "", err
	}
	link, err := linktest.New(u.Host)
	if err != nil {
		return "", err
	}
	s.databases[service] = link
	u.Host = link.Addr()
	return u.String(), nil
}

func (s *System) dropDatabase(ctx context.Context, service string) error {
	return s.admin(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{s.databaseName(service)}.Sanitize()+" WITH (FORCE)")
}

func (s *System) admin(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.components.Postgres)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (s *System) logf(format string, args ...any) {
	if s.Log != nil {
		_, _ = fmt.Fprintf(s.Log, format+"\n", args...)
	}
}

func envName(service string) string {
	return strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
}

// Get is GET of a path of the gateway; the body is returned whole.
func (s *System) Get(ctx context.Context, path, token string) (int, []byte, http.Header, error) {
	return s.Do(ctx, http.MethodGet, path, token, "", nil)
}

// Do sends a request to the gateway. An empty token sends none; key is the Idempotency-Key, "" for none.
func (s *System) Do(ctx context.Context, method, path, token, key string, body io.Reader) (int, []byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL(path), body)
	if err != nil {
		return 0, nil, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, data, res.Header, err
}
