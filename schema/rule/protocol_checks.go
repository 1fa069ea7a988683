package rule

func phase3Lines() []Line {
	return []Line{
		{
			"architecture.fail.1", sectionArchBad, "Сильная связь между сервисами (тight coupling)", "Services are tightly coupled",
			[]string{"MSG103", "MSG110", "MSG111", "MSG112", "MSG151"}, "",
		},
		{
			"architecture.fail.2", sectionArchBad, "Отсутствие isolation (shared database без шардирования)", "There is no isolation: a shared database without sharding",
			[]string{"MSG107", "MSG151", "MSG217", "MSG251"}, "The language cannot give two services one database: each has its own, with a user of its own: TestShop",
		},
		{
			"architecture.fail.3", sectionArchBad, "Нет scalability стратегии", "There is no strategy of scaling",
			[]string{"MSG601", "MSG603", "MSG605", "MSG606"}, "Each service has an autoscaler: TestKubernetesScaling",
		},
		{
			"architecture.fail.4", sectionArchBad, "Отсутствие fault tolerance", "Faults are not tolerated",
			[]string{"MSG309", "MSG317", "MSG601", "MSG602"}, "TestKillOrders kills a service again and again and counts what is lost; `platform/resilience`",
		},
		{
			"architecture.fail.5", sectionArchBad, "Missing observability", "Nobody can see what happens",
			[]string{"MSG501", "MSG502", "MSG503", "MSG551"}, "Metrics, alerts and a dashboard are generated: TestMetricsExist, TestAlerts, TestDashboard",
		},
		{
			"architecture.pass.1", sectionArchGood, "Loose coupling между сервисами (message broker/event bus)", "Services are loosely coupled, by a broker",
			[]string{"MSG103", "MSG110", "MSG112"}, "`platform/outbox`, `platform/kafka`, `platform/inbox`: TestShop. The broker is Kafka; RabbitMQ and NATS are not generated yet and refused",
		},
		{
			"architecture.pass.2", sectionArchGood, "Database per service или proper sharding", "A database for each service, or proper sharding",
			[]string{"MSG107", "MSG217", "MSG251"}, "A database for each: TestShop. `shard` spreads the rows of a service over schemas of it: TestShards",
		},
		{
			"architecture.pass.3", sectionArchGood, "API Gateway для маршрутизации и rate limiting", "A gateway routes and limits",
			[]string{"MSG106", "MSG312"}, "`platform/gateway`: TestMethods, TestLimitByClient",
		},
		{
			"architecture.pass.4", sectionArchGood, "Circuit breakers для fault tolerance", "Circuit breakers contain faults",
			[]string{"MSG311", "MSG317"}, "`platform/resilience`: TestBreakerOpensAtTheThreshold, TestBreakerRecovers",
		},
		{
			"architecture.pass.5", sectionArchGood, "Distributed tracing (Jaeger/Zipkin)", "Distributed tracing",
			[]string{"MSG501", "MSG551"}, "By OTLP to Jaeger: TestSpansReachTheCollector. `stack.tracing: zipkin` is not generated yet and refused",
		},
		{
			"architecture.pass.6", sectionArchGood, "Service discovery (Consul/Kubernetes)", "Services find each other", nil,
			"By DNS, with a headless service for each, so that calls are spread over the replicas: `platform/rpc`, TestTarget, and the manifests follow `stack.discovery`: TestEveryKeyChangesTheOutput. Consul and etcd are not generated yet and refused",
		},
		{
			"communication.fail.1", sectionCommBad, "Синхронные HTTP вызовы (blocking)", "Services block on HTTP calls",
			[]string{"MSG110", "MSG112", "MSG307", "MSG309", "MSG315", "MSG319", "MSG351"}, "",
		},
		{
			"communication.fail.2", sectionCommBad, "Отсутствие обратного давления (backpressure)", "There is no backpressure", nil,
			"A consumer fetches no more than it handles, a caller has no more calls under way than its bulkhead: TestConcurrencyIsBoundedAndBackpressureLosesNothing, TestBulkhead, TestWindowIsKept",
		},
		{
			"communication.fail.3", sectionCommBad, "Нет повторной отправки (at least once delivery)", "Messages are not delivered at least once",
			[]string{"MSG252", "MSG318"}, "`platform/outbox`, `platform/inbox`: TestRelayStoppedAmidWorkLosesNothing, TestFailedBatchIsProcessedAgainInOrderAndNotCommitted",
		},
		{
			"communication.fail.4", sectionCommBad, "Отсутствие идемпотентности (message IDs)", "Nothing is idempotent: messages have no ids",
			[]string{"MSG308"}, "An event has an id for ever, the inbox applies it once, a write has a request id: TestDuplicates, TestDo, TestDuplicatesOfEveryMessage",
		},
		{
			"communication.fail.5", sectionCommBad, "Отсутствие обработки ошибок связи", "Errors of communication are not handled",
			[]string{"MSG309", "MSG311", "MSG351"}, "`platform/resilience`; what cannot be handled becomes a dead letter: TestPoisonIsParkedAndTheRestGoesOn, TestStatusMapping",
		},
		{
			"communication.pass.1", sectionCommGood, "Асинхронная коммуникация (message queues/events)", "Communication is asynchronous",
			[]string{"MSG110", "MSG301", "MSG319"}, "`platform/outbox`, `platform/inbox`: TestShop",
		},
		{
			"communication.pass.2", sectionCommGood, "Backpressure handling", "Backpressure is handled", nil,
			"TestConcurrencyIsBoundedAndBackpressureLosesNothing, TestBulkhead, TestWindowIsKept",
		},
		{
			"communication.pass.3", sectionCommGood, "Idempotent producers", "Producers are idempotent",
			[]string{"MSG252"}, "`platform/kafka`; an event is published under one id however often it is sent: TestStopWaitsForAcknowledgementsAndPublishesNothingTwice, TestStaleSweepSendsNothingAgain",
		},
		{
			"communication.pass.4", sectionCommGood, "Retry механизмы с exponential backoff", "Retries back off exponentially",
			[]string{"MSG305", "MSG306", "MSG314", "MSG316"}, "`platform/resilience`: TestRetryWaits, TestDelay, TestRetryBudget",
		},
		{
			"communication.pass.5", sectionCommGood, "Message ordering per service (partition keys)", "Messages keep their order by partition keys",
			[]string{"MSG303"}, "An event needs a key: `key` is required. TestOrderPerKeyUnderPublishErrors, TestOrderPerKeyWhileOneRetries",
		},
		{
			"security.fail.1", sectionSecureBad, "Отсутствие аутентификации между сервисами", "Services do not authenticate each other",
			[]string{"MSG410"}, "With `security.mtls` each side shows a certificate, and with `security.serviceAuth` each call a token: TestOnlyDeclaredCallersAreLetIn, TestClientsCheckTheServer, TestTokens. A spec without `security` passes; network policies let only declared callers in: TestNetworkPoliciesAreTheDeclaredEdges",
		},
		{
			"security.fail.2", sectionSecureBad, "Открытые endpoints без rate limiting", "Endpoints are open without rate limiting",
			[]string{"MSG401", "MSG403"}, "Every route passes the limit of the gateway: TestLimitForAll, TestLimitByClient",
		},
		{
			"security.fail.3", sectionSecureBad, "Отсутствие шифрования коммуникации (TLS/mTLS)", "Communication is not encrypted (TLS, mTLS)",
			[]string{"MSG405", "MSG409"}, "With `security.mtls: {mode: strict}` no plain connection is taken: TestTrust, TestStrangersGetNoConnection. A spec without `security` passes, and its services talk in plain text inside the cluster",
		},
		{
			"security.fail.4", sectionSecureBad, "Отсутствие валидации входных данных", "Input is not validated",
			[]string{"MSG703"}, "Each service checks each request against the types and constraints of its contract, and the gateway refuses what does not fit: TestValidationNamesEveryField, TestBadRequests",
		},
		{
			"security.pass.1", sectionSecureGood, "mTLS между сервисами", "mTLS between services",
			[]string{"MSG409"}, "`security.mtls` generates it, with the declared edges as the only ones: TestTrust, TestOnlyDeclaredCallersAreLetIn, TestRotationFailsNoCall",
		},
		{
			"security.pass.2", sectionSecureGood, "JWT или OAuth2 для service-to-service", "JWT or OAuth2 from service to service",
			[]string{"MSG410"}, "`security.serviceAuth` generates both: TestTokens, TestAttacks, TestRotationUnderLoad, TestOAuth2. The identity of the client travels with calls and events: TestIdentityTravels, TestCauseIsWhoStartedTheSaga",
		},
		{
			"security.pass.3", sectionSecureGood, "Rate limiting на API Gateway", "Rate limiting at the gateway", nil,
			"`platform/gateway`: TestBucket, TestLimitByClient, TestLimitByToken, TestLimitForAll, TestLimitOfRoute",
		},
		{
			"security.pass.4", sectionSecureGood, "Input validation в каждом сервисе", "Each service validates its input",
			[]string{"MSG703"}, "`platform/rpc`: TestValidationNamesEveryField",
		},
		{
			"security.pass.5", sectionSecureGood, "Request signing для internal APIs", "Requests of internal APIs are signed",
			[]string{"MSG411"}, "With `security.requestSigning: hmac-sha256` messages and requests are signed, and what does not hold is quarantined or refused: TestSigning",
		},
		{
			"result.1", sectionResult, "Архитектура соответствует microservices best practices", "The architecture follows the practice of microservices",
			[]string{"MSG101", "MSG104", "MSG107", "MSG109", "MSG111"}, "",
		},
		{
			"result.2", sectionResult, "Связи между сервисами асинхронные и слабосвязанные", "Services are linked asynchronously and loosely",
			[]string{"MSG103", "MSG110", "MSG112", "MSG301"}, "",
		},
		{
			"result.3", sectionResult, "Data consistency стратегия определена", "The strategy of consistency is defined",
			[]string{"MSG201", "MSG202", "MSG209", "MSG217"}, "",
		},
		{
			"result.4", sectionResult, "Circuit breakers предусмотрены", "There are circuit breakers",
			[]string{"MSG311", "MSG317"}, "Each declared call has one: TestBreakerOpensAtTheThreshold",
		},
		{
			"result.5", sectionResult, "Observability добавлена", "There is observability",
			[]string{"MSG501", "MSG502", "MSG503", "MSG551"}, "TestAlerts, TestMetricsExist",
		},
		{
			"result.6", sectionResult, "Безопасность обеспечена", "Security is provided for",
			[]string{"MSG401", "MSG403", "MSG405", "MSG412"}, "Not held yet in one part: trust between services is not generated",
		},
	}
}

func patternLines() []Line {
	return []Line{
		{
			"patterns.1", sectionPatterns, "API Gateway Pattern", "API gateway",
			[]string{"MSG106", "MSG312", "MSG703"}, "`platform/gateway`: TestMethods, TestUnknownRoutes",
		},
		{
			"patterns.2", sectionPatterns, "Event-Driven Architecture", "Events",
			[]string{"MSG301", "MSG303"}, "`platform/outbox`, `platform/inbox`: TestShop",
		},
		{
			"patterns.3", sectionPatterns, "Saga Pattern (для distributed transactions)", "Sagas in place of distributed transactions",
			[]string{"MSG202", "MSG203", "MSG204", "MSG205", "MSG206", "MSG207", "MSG208", "MSG209", "MSG210"}, "`platform/saga`: TestLedger, TestChoreographyChaos",
		},
		{
			"patterns.4", sectionPatterns, "Circuit Breaker Pattern", "Circuit breakers",
			[]string{"MSG311", "MSG317"}, "`platform/resilience`: TestBreakerOpensAtTheThreshold",
		},
		{
			"patterns.5", sectionPatterns, "Distributed Tracing", "Distributed tracing",
			[]string{"MSG501", "MSG551"}, "`platform/telemetry`: TestTraceTravels",
		},
		{
			"patterns.6", sectionPatterns, "Event Sourcing Pattern", "Event sourcing", nil,
			"`eventSourced`: `platform/eventstore`, TestEventSourced, TestReplayWhileWriting",
		},
		{
			"s1.1", sectionScenarios, "Спроектирует сервис (endpoints, база, коммуникация)", "S1, a new service: its endpoints, database and communication are designed",
			[]string{"MSG108", "MSG201", "MSG401"}, "",
		},
		{
			"s1.2", sectionScenarios, "Реализует сервис с шардированием БД", "S1: it is built with a sharded database",
			[]string{"MSG217"}, "`shard` on its aggregates; shards are added while it runs: TestShards",
		},
		{
			"s1.3", sectionScenarios, "Проверяет изоляцию и производительность", "S1: isolation and performance are checked",
			[]string{"MSG107", "MSG151", "MSG251", "MSG307", "MSG503", "MSG504"}, "",
		},
		{
			"s2.1", sectionScenarios, "Определяет критерии (timeout, error threshold)", "S2, a circuit breaker: its timeout and threshold are set",
			[]string{"MSG309", "MSG317"}, "A policy has the protocol's figures where it says nothing else",
		},
		{
			"s2.2", sectionScenarios, "Реализует Hystrix pattern", "S2: it is built", nil,
			"`platform/resilience`: TestBreakerOpensAtTheThreshold, TestProbesWithoutAVerdictDoNotLockTheBreaker",
		},
		{
			"s2.3", sectionScenarios, "Проверяет fallback logic", "S2: its fallback is checked",
			[]string{"MSG310", "MSG311"}, "`platform/resilience`: TestFallback",
		},
		{
			"s3.1", sectionScenarios, "Планирует phased migration", "S3, away from a monolith: step by step",
			[]string{"MSG755", "MSG756", "MSG757"}, "`generate` brings a tree in line with a grown spec and keeps what was written by hand: TestDecisions",
		},
		{
			"s3.2", sectionScenarios, "Создаёт адаптеры для совместимости", "S3: adapters keep what there is working", nil,
			"A contract that exists is taken as it is (`proto`): TestContractFirst. The adapter's code is the user's own",
		},
		{
			"s3.3", sectionScenarios, "Проверяет данные целостность во время миграции", "S3: data stays whole meanwhile",
			[]string{"MSG751", "MSG752", "MSG753", "MSG754", "MSG758", "MSG759"}, "A migration of a table never drops what a field kept: TestAdvance",
		},
	}
}
