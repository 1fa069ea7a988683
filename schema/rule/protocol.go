package rule

// Line is one line of the protocol that says how a system must or must not be.
type Line struct {
	// ID is its section and place, such as forbidden.3. It is never given to another line.
	ID      string
	Section string // its heading in English
	RU      string // the source's own words
	EN      string
	// Rules are the ids of the rules that enforce it.
	Rules []string
	// Held says what else keeps it, or which part of it nothing keeps yet: packages as `platform/outbox`, tests by name. A line
	// without rules has it.
	Held string
}

// The sections of the protocol that say what must be so.
const (
	sectionPhase1     = "Phase 1: the architect's bounds"
	sectionTasks      = "Phase 1: tasks"
	sectionDocument   = "Phase 1: the document"
	sectionForbidden  = "Phase 2: forbidden"
	sectionPractice   = "Phase 2: rules of development"
	sectionChecklist  = "Phase 2: checklist"
	sectionArchBad    = "Phase 3: architecture fails if"
	sectionArchGood   = "Phase 3: architecture passes if"
	sectionCommBad    = "Phase 3: communication fails if"
	sectionCommGood   = "Phase 3: communication passes if"
	sectionSecureBad  = "Phase 3: security fails if"
	sectionSecureGood = "Phase 3: security passes if"
	sectionResult     = "Phase 3: what a passed validation states"
	sectionPatterns   = "Patterns"
	sectionScenarios  = "Scenarios"
)

// Protocol are the lines of the protocol, in its order, with what enforces each. docs/protocol.md is made from them.
func Protocol() []Line {
	var list []Line
	for _, part := range [][]Line{phase1Lines(), phase2Lines(), phase3Lines(), patternLines()} {
		list = append(list, part...)
	}
	return list
}

func phase1Lines() []Line {
	return []Line{
		{
			"phase1.1", sectionPhase1, "НЕ пиши код в этой фазе", "No code is written in this phase", nil,
			"`msgen design` writes docs/architecture.md alone: TestDesignOnly",
		},
		{
			"phase1.2", sectionPhase1, "НЕ создавай Docker/K8s файлы", "No Docker or Kubernetes files are made", nil,
			"`msgen design` writes docs/architecture.md alone: TestDesignOnly",
		},
		{
			"phase1.3", sectionPhase1, "Только проектирование архитектуры", "The architecture is designed, and nothing else", nil,
			"`msgen design` writes docs/architecture.md alone: TestDesignOnly",
		},
		{
			"tasks.1", sectionTasks, "Разделение монолита на микросервисы", "Split the monolith into services",
			[]string{"MSG104", "MSG107", "MSG108", "MSG109", "MSG217"}, "",
		},
		{
			"tasks.2", sectionTasks, "Определение связей между сервисами", "Say which services talk to each other",
			[]string{"MSG101", "MSG102", "MSG103"}, "What the spec does not declare the network policies refuse: TestNetworkPoliciesAreTheDeclaredEdges",
		},
		{
			"tasks.3", sectionTasks, "Выбор паттернов коммуникации (REST/gRPC/event-driven)", "Choose how they communicate: REST, gRPC or events", nil,
			"The language has one form each: `http` is REST at the gateway, `calls` gRPC, `sends` and `receives` events. REST alone is offered to clients: `gateway.api` grpc and graphql are not generated yet and refused",
		},
		{
			"tasks.4", sectionTasks, "Проектирование event-driven архитектуры", "Design the events",
			[]string{"MSG301", "MSG302", "MSG303", "MSG304"}, "",
		},
		{
			"tasks.5", sectionTasks, "Определение стратегии согласованности данных", "Choose how data stays consistent",
			[]string{"MSG202", "MSG209", "MSG216"}, "An event leaves by the outbox in the transaction of its change, and arrives through the inbox: `platform/outbox`, `platform/inbox`",
		},
		{
			"document.1", sectionDocument, "[Service 1] — [Описание, ответственность]", "Each service with what it is responsible for",
			[]string{"MSG104", "MSG105"}, "",
		},
		{
			"document.2", sectionDocument, "API Gateway — [REST/gRPC/GraphQL]", "The gateway and what clients speak",
			[]string{"MSG312"}, "REST; the other two are not generated yet and refused",
		},
		{
			"document.3", sectionDocument, "Inter-service — [Async messaging/Event bus]", "Services talk by messages",
			[]string{"MSG110", "MSG112", "MSG319"}, "",
		},
		{
			"document.4", sectionDocument, "Database per service — [Если применимо]", "A database for each service that stores something",
			[]string{"MSG201", "MSG251"}, "Each has a database and a user of its own: TestShop",
		},
		{
			"document.5", sectionDocument, "Shared resources — [Cache/Config server]", "What services share",
			nil, "The broker and, with `stack.cache: redis`, a Redis that nothing needs to go on: TestShop; configuration is the environment of each process: TestLoadEnv",
		},
		{
			"document.6", sectionDocument, "[Strategy] — [SAGA/Eventual/CQRS]", "The strategy of consistency: sagas, events, read models",
			[]string{"MSG202", "MSG211", "MSG301"}, "",
		},
		{
			"document.7", sectionDocument, "[Distributed transactions] — [2PC/Saga/Outbox]", "What takes the place of distributed transactions",
			[]string{"MSG202", "MSG203", "MSG204", "MSG205", "MSG218", "MSG219"}, "Saga and outbox only: the language has no two-phase commit, which holds locks in every service for as long as the slowest",
		},
		{
			"document.8", sectionDocument, "[Event 1] → [Service 1] → [Service 2] → [Result]", "The way of each event",
			[]string{"MSG301", "MSG302"}, "docs/architecture.md draws it from the spec: TestGolden",
		},
	}
}

func phase2Lines() []Line {
	return []Line{
		{
			"forbidden.1", sectionForbidden, "Blocking synchronous calls между сервисами", "Blocking synchronous calls between services",
			[]string{"MSG103", "MSG110", "MSG111", "MSG112", "MSG307", "MSG309", "MSG315", "MSG319", "MSG351"},
			"A call is allowed where it is declared, and never blocks without end: `platform/resilience`, TestTimeout, TestBulkhead",
		},
		{
			"forbidden.2", sectionForbidden, "Монолитная база данных без шардирования", "A monolithic database without sharding",
			[]string{"MSG107", "MSG217", "MSG251"}, "Each service has a database of its own; `shard` spreads its rows over schemas: TestShards",
		},
		{
			"forbidden.3", sectionForbidden, "Отсутствие rate limiting на API Gateway", "No rate limiting at the API gateway", nil,
			"There is no gateway without one, 100 requests a second and client by default: `platform/gateway`, TestBucket, TestLimitByClient, and the generated gateway carries it: TestEveryKeyChangesTheOutput. Each replica counts for itself, and with `stack.cache: redis` all of them together: TestSharedLimit",
		},
		{
			"forbidden.4", sectionForbidden, "Missing circuit breakers для нестабильных сервисов", "No circuit breaker before unstable services",
			[]string{"MSG317", "MSG351"}, "Each declared call has one: `platform/resilience`, TestBreakerOpensAtTheThreshold",
		},
		{
			"forbidden.5", sectionForbidden, "Отсутствие distributed tracing", "No distributed tracing",
			[]string{"MSG501", "MSG551"}, "`platform/telemetry`; a trace goes on over gRPC and through outbox and broker: TestTraceTravels, TestOutboxToConsumerIsOneTrace",
		},
		{
			"forbidden.6", sectionForbidden, "Использование `npm link` для локальной разработки", "Links to local packages (`npm link`)",
			[]string{"MSG152"}, "",
		},
		{
			"practice.1", sectionPractice, "Правильно: API Gateway", "Right: clients come in through a gateway",
			[]string{"MSG106", "MSG312", "MSG407"}, "Only the gateway can be reached from outside: TestCompose",
		},
		{
			"practice.2", sectionPractice, "Неправильно: Прямые вызовы между сервисами", "Wrong: services call each other by plain HTTP",
			[]string{"MSG151", "MSG351"}, "The generated clients speak gRPC",
		},
		{
			"practice.3", sectionPractice, "Правильно: Producer с retry", "Right: a producer that tries again",
			[]string{"MSG252"}, "`platform/outbox`: TestBrokerDownKeepsEverythingAndRecovers",
		},
		{
			"practice.4", sectionPractice, "Неправильно: Producer без error handling и retry", "Wrong: a producer that loses events when the broker fails",
			[]string{"MSG252"}, "`platform/outbox`: TestRelayStoppedAmidWorkLosesNothing, TestPoisonParksItsKeyOnly",
		},
		{
			"practice.5", sectionPractice, "Правильно: Orchestration Service", "Right: a saga has an orchestrator",
			[]string{"MSG202", "MSG209", "MSG210", "MSG216"}, "`platform/saga`: TestCompleted, TestRefusalAtEachStep, TestCrashAtEveryPoint",
		},
		{
			"practice.6", sectionPractice, "Правильно: Hystrix-like circuit breaker", "Right: a breaker with a timeout, a threshold and a reset",
			[]string{"MSG309", "MSG317"}, "The figures of the standard policy are the protocol's: 3 s, 50 %, 60 s: `platform/resilience`, TestBreakerRecovers",
		},
		{
			"practice.7", sectionPractice, "Неправильно: Прямые вызовы без fallback", "Wrong: a call without a fallback",
			[]string{"MSG310", "MSG311"}, "`platform/resilience`: TestFallback, TestLastGoodAnswersWhenTheServiceCannot. A call that changes something has none: it fails at once, and the saga or the client tries again",
		},
		{
			"practice.8", sectionPractice, "Правильно: Jaeger tracing", "Right: each operation is a span",
			[]string{"MSG551"}, "Calls, statements and messages are spans: TestSpansReachTheCollector, TestStatementsOfATraceAreSpans, TestSpanContinuesTheTraceOfTheMessage",
		},
		{
			"checklist.1", sectionChecklist, "Все сервисы определены с ответственностями", "Every service has its responsibility",
			[]string{"MSG104"}, "",
		},
		{
			"checklist.2", sectionChecklist, "Коммуникационные паттерны выбраны", "How services communicate is chosen",
			[]string{"MSG101", "MSG108"}, "The language has one form for each way",
		},
		{
			"checklist.3", sectionChecklist, "Стратегия согласованности данных выбрана", "How data stays consistent is chosen",
			[]string{"MSG201", "MSG202", "MSG209"}, "",
		},
		{
			"checklist.4", sectionChecklist, "Event flow определён", "The flow of events is defined",
			[]string{"MSG301", "MSG302", "MSG304"}, "",
		},
		{
			"checklist.5", sectionChecklist, "API Gateway спроектирован", "The gateway is designed",
			[]string{"MSG106", "MSG312", "MSG401", "MSG404"}, "",
		},
		{
			"checklist.6", sectionChecklist, "Circuit breakers предусмотрены", "There are circuit breakers",
			[]string{"MSG311", "MSG317"}, "Each declared call has one: `platform/resilience`, TestBreakerOpensAtTheThreshold",
		},
		{
			"checklist.7", sectionChecklist, "Distributed tracing добавлен", "There is distributed tracing",
			[]string{"MSG501"}, "`platform/telemetry`, TestSpansReachTheCollector",
		},
	}
}
