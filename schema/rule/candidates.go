package rule

// Candidate is a rule that good sources ask for, and what became of it.
type Candidate struct {
	// No is its number among the candidates; "" for those that the protocol asks for by itself.
	No     string
	EN     string
	Source string
	Rules  []string
	// Held says what keeps it where no rule has to: the language, which cannot say it, or the generated system.
	Held string
	// Open says why nothing keeps it, or which part of it is not kept.
	Open string
}

// The sources of candidates, as docs/protocol.md names them.
const (
	srcProtocol = "the protocol"
	srcPatterns = "microservices.io"
	srcFactor   = "Twelve-Factor"
	srcSRE      = "SRE book"
	srcOWASP    = "OWASP API 2023"
	srcNSA      = "NSA/CISA Kubernetes"
	srcEvents   = "CloudEvents"
	srcBuf      = "buf lint"
	srcCommon   = "common practice"
)

// Candidates are the rules that the field knows, by number, each with the rule that it became, with what keeps it, or with why it is open.
func Candidates() []Candidate {
	return []Candidate{
		{"1", "reference to something unknown", srcCommon, []string{"MSG101"}, "", ""},
		{"2", "a service calls itself", srcCommon, []string{"MSG102"}, "", ""},
		{"3", "cycle of synchronous calls", srcPatterns, []string{"MSG103"}, "", ""},
		{"4", "deep chain of synchronous calls", srcSRE, []string{"MSG110", "MSG112"}, "", ""},
		{"5", "a service without API and events", srcCommon, []string{"MSG108"}, "", ""},
		{"6", "wide synchronous fan-out", srcCommon, []string{"MSG111"}, "", ""},
		{"7", "no responsibility, no owner", srcProtocol, []string{"MSG104", "MSG105"}, "", ""},
		{"8", "two services own one aggregate or the same tables", srcPatterns, []string{"MSG107", "MSG701"}, "Tables of two services are never in one database", ""},
		{"9", "too many methods", srcCommon, []string{"MSG109"}, "", ""},
		{"10", "something is there twice", srcCommon, []string{"MSG106", "MSG701"}, "A key that stands twice is a syntax error; ports are not chosen by the spec", ""},
		{"11", "table or database shared", srcPatterns, []string{"MSG251"}, "The language cannot share one; each service has a database and a user of its own", ""},
		{"12", "events sent past an outbox", srcPatterns, []string{"MSG201", "MSG252"}, "`sends` is the outbox: `platform/outbox`, TestRollbackIsNeverPublished", ""},
		{"13", "events received past an inbox", srcPatterns, nil, "`receives` and `views` go through the inbox: `platform/inbox`, TestDuplicates", ""},
		{"14", "step without compensation", srcPatterns, []string{"MSG202", "MSG208"}, "", ""},
		{"15", "more than one pivot", srcPatterns, []string{"MSG203"}, "", ""},
		{"16", "compensatable step after the pivot", srcPatterns, []string{"MSG204"}, "", ""},
		{"17", "step after the pivot that cannot be retried", srcPatterns, []string{"MSG205"}, "", ""},
		{"18", "step or compensation that is not idempotent", "AIP-155", []string{"MSG207", "MSG215"}, "A participant remembers what it answered: `platform/saga`, TestDuplicatesOfEveryMessage", ""},
		{"19", "saga without a timeout", srcPatterns, []string{"MSG206"}, "2m by default, and more than nothing", ""},
		{"20", "orchestration of one step, choreography of many", srcPatterns, []string{"MSG213", "MSG216"}, "", ""},
		{"21", "step without a matching method", srcPatterns, []string{"MSG101", "MSG207"}, "", ""},
		{"22", "view of an event that nobody sends", srcPatterns, []string{"MSG301"}, "", ""},
		{"23", "view that cannot be rebuilt", srcCommon, nil, "", "The spec does not say how long a broker keeps events, so that there is nothing to compare"},
		{"24", "outbox retention shorter than the consumers' window", srcCommon, nil, "The outbox keeps an event until the broker has it: `platform/outbox`, TestBrokerDownKeepsEverythingAndRecovers. The inbox remembers ids for 7 days: TestPurge", ""},
		{"25", "reads across services without view or composition", srcPatterns, []string{"MSG111", "MSG151", "MSG251"}, "Data of others comes by `calls` (composition) or `views` only", ""},
		{"", "monolithic database without sharding", srcProtocol, []string{"MSG217"}, "`shard` spreads the rows of a service over schemas: TestShardsAreAddedUnderLoad, TestShards", ""},
		{"", "two-phase commit", srcProtocol, nil, "The language has sagas and the outbox, and nothing that locks across services", ""},
		{"26", "call without a timeout", srcSRE, []string{"MSG309"}, "", ""},
		{"", "plain HTTP between services", srcProtocol, []string{"MSG351"}, "The generated clients speak gRPC", ""},
		{"27", "retries without backoff and jitter", srcSRE, []string{"MSG305", "MSG306"}, "", ""},
		{"28", "retry of a method that may not be repeated", "AIP-194", []string{"MSG308"}, "The clients retry methods that can be repeated only: `platform/resilience`, TestRetry", ""},
		{"29", "retries of errors that mean no", "AIP-194", nil, "Refusals such as INVALID_ARGUMENT and a caller that gave up are never retried: `platform/resilience`, TestRetry, TestCallerWhoGivesUpIsNoFailure", "An attempt that ran into its own timeout is retried while the caller's deadline allows it; AIP-194 would not"},
		{"30", "callee's timeout longer than its caller's", srcSRE, []string{"MSG315"}, "Attempts need no sum: none starts that could not end before the caller's deadline: TestRetryEndsWithTheCaller", ""},
		{"31", "chain longer than the gateway's timeout", srcSRE, []string{"MSG307"}, "", ""},
		{"32", "retries at more than one layer", srcSRE, []string{"MSG316"}, "The gateway does not retry, and a budget bounds the rest: TestRetryBudget", ""},
		{"33", "call without a breaker, breaker without a fallback", srcProtocol, []string{"MSG311", "MSG317"}, "Each declared call has a breaker", "For calls that only read: what changes something has no fallback that would be true. `fallback: none` is an answer"},
		{"34", "no bulkhead, no backpressure", srcProtocol, nil, "Each policy has a bulkhead, 64 by default; consumers fetch what they can handle: TestBulkhead, TestConcurrencyIsBoundedAndBackpressureLosesNothing", ""},
		{"35", "receiving without retry limit and dead letters", srcProtocol, []string{"MSG318"}, "`retries` is 5 by default, then the message is parked: TestPoisonIsParkedAndTheRestGoesOn", ""},
		{"36", "ordered event without a key", srcProtocol, []string{"MSG303"}, "`key` is required", ""},
		{"37", "event received and never sent, sent and never received", "AsyncAPI", []string{"MSG301", "MSG302", "MSG304"}, "", ""},
		{"38", "slow work modelled as a synchronous call", "AIP-151", []string{"MSG319"}, "", ""},
		{"39", "exposed method without auth", srcOWASP, []string{"MSG401", "MSG402", "MSG404"}, "", ""},
		{"40", "write without a scope", srcOWASP, []string{"MSG401", "MSG403"}, "", ""},
		{"41", "route without a rate limit", srcOWASP, nil, "Every route passes the gateway's, and may have its own: `platform/gateway`, TestLimitForAll, TestLimitOfRoute", ""},
		{"42", "no bound of body or page", srcOWASP, []string{"MSG707"}, "maxBody is 1 MiB by default and pages are bounded: TestSize, TestBadRequests", ""},
		{"43", "mTLS that is not strict", srcOWASP, []string{"MSG409"}, "", "A spec without `security` passes"},
		{"", "services without identity", srcProtocol, []string{"MSG410"}, "", "A spec without `security` passes"},
		{"", "internal requests that are not signed", srcProtocol, []string{"MSG411"}, "", "A spec without `security` passes"},
		{"", "request field without validation", srcProtocol, nil, "Each field has a type that is checked, and `required`, `min`, `maxLength` and `pattern` become constraints that each service checks: TestValidationNamesEveryField", "No rule asks for bounds that a field does not need"},
		{"44", "JWT without issuer, audience or safe keys", srcOWASP, []string{"MSG405"}, "", ""},
		{"45", "secret in the spec", srcFactor, []string{"MSG412"}, "None in what is generated either: TestNoSecrets", ""},
		{"46", "CORS for everybody with credentials", srcOWASP, []string{"MSG406"}, "", ""},
		{"47", "personal data on a shared channel", "NIST SP 800-122", []string{"MSG413"}, "", ""},
		{"48", "internal method exposed, old version without an end", srcOWASP, []string{"MSG407", "MSG408"}, "", "The language has no key for the end of a version, so that a warning could never be satisfied"},
		{"49", "network policy that is not the declared edges", srcNSA, nil, "TestNetworkPoliciesAreTheDeclaredEdges", ""},
		{"50", "container that may more than it needs", srcNSA, nil, "TestKubernetesHardening, TestCompose", ""},
		{"51", "tracing off, or context not carried in events", srcProtocol, []string{"MSG501", "MSG551"}, "Tracing cannot be switched off; a trace goes on through the broker: TestOutboxToConsumerIsOneTrace", "`sampling: 0` is a warning: the environment of a process can raise it"},
		{"", "no metrics", srcProtocol, nil, "TestPrometheusConfiguration, TestMetricsExist", ""},
		{"52", "exposed service without an objective", srcSRE, []string{"MSG503"}, "", "Only where clients write, and only in a system that has objectives: nobody needs one for everything"},
		{"53", "objective stricter than its dependencies allow", srcSRE, []string{"MSG504"}, "", ""},
		{"54", "everything or nothing is traced", srcCommon, []string{"MSG501"}, "", ""},
		{"55", "logs that are not structured", srcFactor, []string{"MSG502"}, "To stdout: `platform/telemetry`, TestLogLines", ""},
		{"56", "no alert for outbox lag, dead letters, open breaker", srcCommon, nil, "TestAlerts", ""},
		{"", "no strategy of scaling", srcProtocol, []string{"MSG603", "MSG605"}, "Each service has an autoscaler: TestKubernetesScaling", ""},
		{"57", "one replica with an objective", srcCommon, []string{"MSG601"}, "", ""},
		{"58", "requests and limits missing", srcNSA, []string{"MSG604"}, "TestKubernetesHardening", ""},
		{"59", "more connections than the database lets in", "PostgreSQL", []string{"MSG606"}, "", "Beyond 5000 only: the spec does not say what your server lets in"},
		{"60", "no disruption budget", srcCommon, nil, "TestKubernetesHardening", ""},
		{"61", "too little time to stop", srcFactor, []string{"MSG602"}, "TestStopInOrder", ""},
		{"62", "liveness that checks a dependency", srcCommon, nil, "It asks the process alone: TestKubernetesHardening, TestProbesAndMetrics", ""},
		{"63", "image without a tag", srcCommon, nil, "An overlay must set it, and what is not built here is pinned: TestKubernetesHardening, TestCompose", ""},
		{"64", "rate limit of each gateway replica for itself", srcCommon, nil, "With `stack.cache: redis` all replicas count together: TestSharedLimit, TestShop", ""},
		{"", "no service discovery", srcProtocol, nil, "DNS: `platform/rpc`, TestTarget, TestEveryKeyChangesTheOutput", ""},
		{"", "link to a local path", srcProtocol, []string{"MSG152"}, "", ""},
		{"65", "package without a version", srcBuf, nil, "Every package ends in v1, as in the golden OpenAPI and AsyncAPI documents: TestGolden", ""},
		{"66", "names of services, methods, requests and responses", srcBuf, nil, "The language fixes their form: TestRenderLayout, TestNames", ""},
		{"67", "field that is not lower_snake_case", srcBuf, nil, "A syntax error", ""},
		{"68", "enum whose zero means something", srcBuf, nil, "The first value is always _UNSPECIFIED: TestRenderLayout", ""},
		{"69", "list without pages", "AIP-158", []string{"MSG707"}, "Methods with `lists` have pages: `platform/page`", ""},
		{"70", "unusual verb", "AIP-131 to 136", []string{"MSG704", "MSG705"}, "", ""},
		{"71", "field removed or renumbered", "AIP-180", []string{"MSG751", "MSG752", "MSG753", "MSG754", "MSG755", "MSG756", "MSG757"}, "The lock keeps numbers: TestFieldNumbers", ""},
		{"72", "event without id, source, specversion or type", srcEvents, nil, "`platform/event`: TestValidate", ""},
		{"73", "event type without reverse DNS and version", srcEvents, nil, "Made from the module's path, the service and v1, as in the golden AsyncAPI document: TestGolden", ""},
		{"74", "name of an extension attribute", srcEvents, nil, "The spec names none; the platform's own are checked: `platform/event`, TestValidate", ""},
		{"75", "event larger than 64 KiB", srcEvents, []string{"MSG708"}, "", "A string without `maxLength` says nothing of its size"},
		{"76", "breaking change of an event", "AIP-180", []string{"MSG751", "MSG753", "MSG758", "MSG759"}, "", ""},
	}
}
