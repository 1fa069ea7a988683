package view

import "encoding/json"

// Panel is one panel of the system's dashboard.
type Panel struct {
	ID         int
	Title      string
	Type       string // row, stat, timeseries
	Unit       string // of Grafana: reqps, s, short, percentunit
	X, Y, W, H int
	Queries    []Query
}

// Query is one query of a panel.
type Query struct {
	RefID  string // A
	Expr   string // PromQL
	Legend string
}

// JSON is a string as JSON.
func (q Query) JSON(s string) (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

type section struct {
	title  string
	panels []Panel
}

func panel(kind, title, unit string, queries ...Query) Panel {
	for i := range queries {
		queries[i].RefID = string(rune('A' + i))
	}
	return Panel{Title: title, Type: kind, Unit: unit, Queries: queries}
}

func series(title, unit string, queries ...Query) Panel {
	return panel("timeseries", title, unit, queries...)
}

func stat(title, unit, expr string) Panel { return panel("stat", title, unit, Query{Expr: expr}) }

// svc selects the services chosen at the top of the dashboard.
const svc = `job=~"$service"`

// Panels are the dashboard's panels with their places on Grafana's grid of 24 columns; what the system does not have is left out.
func (s *System) Panels() []Panel {
	sections := []section{{"Requests", []Panel{
		stat("Requests", "reqps", `sum(rate(grpc_server_handled_total{`+svc+`, `+noHealth+`}[5m]))`),
		stat("Errors", "percentunit", `(sum(rate(grpc_server_handled_total{`+svc+`, `+serverFaults+`}[5m])) or vector(0)) / sum(rate(grpc_server_handled_total{`+svc+`, `+noHealth+`}[5m]))`),
		series("Requests by method", "reqps", Query{Expr: `sum by (job, grpc_method) (rate(grpc_server_handled_total{` + svc + `, ` + noHealth + `}[5m]))`, Legend: "{{job}} {{grpc_method}}"}),
		series("Errors by code", "reqps", Query{Expr: `sum by (job, grpc_code) (rate(grpc_server_handled_total{` + svc + `, grpc_code!="OK"}[5m]))`, Legend: "{{job}} {{grpc_code}}"}),
		series("Latency", "s",
			Query{Expr: quantile("0.5", "job", `grpc_server_handling_seconds_bucket{`+svc+`, grpc_type="unary"}`), Legend: "{{job}} p50"},
			Query{Expr: quantile("0.99", "job", `grpc_server_handling_seconds_bucket{`+svc+`, grpc_type="unary"}`), Legend: "{{job}} p99"}),
	}}}
	if s.Gateway != nil {
		sections = append(sections, section{"Gateway", []Panel{
			series("Requests by route", "reqps", Query{Expr: `sum by (method, route) (rate(http_server_requests_total[5m]))`, Legend: "{{method}} {{route}}"}),
			series("Answers by status", "reqps", Query{Expr: `sum by (code) (rate(http_server_requests_total[5m]))`, Legend: "{{code}}"}),
			series("Refused by the rate limit (429)", "reqps", Query{Expr: `sum by (route) (rate(http_server_requests_total{code="429"}[5m]))`, Legend: "{{route}}"}),
			series("Latency", "s", Query{Expr: quantile("0.99", "route", `http_server_request_duration_seconds_bucket`), Legend: "{{route}} p99"}),
			series("In flight", "short", Query{Expr: `sum by (job) (http_server_requests_in_flight)`, Legend: "{{job}}"}),
		}})
	}
	if s.HasOutbox() {
		sections = append(sections, section{"Outbox", []Panel{
			series("Age of the oldest unsent message", "s", Query{Expr: `max by (job) (outbox_oldest_unsent_seconds{` + svc + `})`, Legend: "{{job}}"}),
			series("Backlog", "short",
				Query{Expr: `max by (job) (outbox_backlog_messages{` + svc + `})`, Legend: "{{job}}"},
				Query{Expr: `max by (job) (outbox_parked_messages{` + svc + `})`, Legend: "{{job}} parked"}),
			series("Published", "reqps",
				Query{Expr: `sum by (job, topic) (rate(outbox_published_total{` + svc + `}[5m]))`, Legend: "{{job}} {{topic}}"},
				Query{Expr: `sum by (job, kind) (rate(outbox_publish_errors_total{` + svc + `}[5m]))`, Legend: "{{job}} {{kind}}"}),
			series("From commit to the broker's acknowledgement", "s", Query{Expr: quantile("0.99", "job", `outbox_commit_to_ack_seconds_bucket{`+svc+`}`), Legend: "{{job}} p99"}),
			series("Leaders", "short", Query{Expr: `sum by (job) (outbox_leader{` + svc + `})`, Legend: "{{job}}"}),
		}})
	}
	if s.HasInbox() {
		sections = append(sections, section{"Inbox", []Panel{
			series("Handled", "reqps", Query{Expr: `sum by (job, type) (rate(inbox_processed_total{` + svc + `}[5m]))`, Legend: "{{job}} {{type}}"}),
			series("From sent to done", "s", Query{Expr: quantile("0.99", "job", `inbox_lag_seconds_bucket{`+svc+`}`), Legend: "{{job}} p99"}),
			series("Messages behind", "short", Query{Expr: `sum by (group, topic) (kafka_consumer_lag_records{` + svc + `})`, Legend: "{{group}} {{topic}}"}),
			series("Dead letters and retries", "reqps",
				Query{Expr: `sum by (job, type) (rate(inbox_dead_letters_total{` + svc + `}[5m]))`, Legend: "{{job}} {{type}} dead"},
				Query{Expr: `sum by (job, type) (rate(inbox_retries_total{` + svc + `}[5m]))`, Legend: "{{job}} {{type}} retried"}),
			series("Dead letters kept", "short", Query{Expr: `max by (job, type) (inbox_dead_letters_kept{` + svc + `})`, Legend: "{{job}} {{type}}"}),
			series("Repeats dropped", "reqps", Query{Expr: `sum by (job) (rate(inbox_duplicates_total{` + svc + `}[5m]))`, Legend: "{{job}}"}),
			series("Messages in a batch", "short", Query{Expr: quantile("0.5", "job", `inbox_batch_size_bucket{`+svc+`}`), Legend: "{{job}} p50"}),
		}})
	}
	if len(s.Sagas) > 0 {
		sections = append(sections, section{"Sagas", []Panel{
			series("Open", "short", Query{Expr: `max by (saga, state) (saga_open{` + svc + `})`, Legend: "{{saga}} {{state}}"}),
			series("Ended", "reqps", Query{Expr: `sum by (saga, state) (rate(saga_finished_total{` + svc + `}[5m]))`, Legend: "{{saga}} {{state}}"}),
			series("Duration", "s", Query{Expr: quantile("0.99", "saga, state", `saga_duration_seconds_bucket{`+svc+`}`), Legend: "{{saga}} {{state}} p99"}),
			series("Age of the oldest", "s", Query{Expr: `max by (saga, state) (saga_oldest_seconds{` + svc + `})`, Legend: "{{saga}} {{state}}"}),
		}})
	}
	if len(s.SyncCalls()) > 0 {
		sections = append(sections, section{"Calls between services", []Panel{
			series("Breakers: 0 closed, 1 half-open, 2 open", "short", Query{Expr: `max by (edge) (resilience_breaker_state{` + svc + `})`, Legend: "{{edge}}"}),
			series("Calls by outcome", "reqps", Query{Expr: `sum by (edge, outcome) (rate(resilience_calls_total{` + svc + `}[5m]))`, Legend: "{{edge}} {{outcome}}"}),
			series("Retries and fallbacks", "reqps",
				Query{Expr: `sum by (edge, result) (rate(resilience_retries_total{` + svc + `}[5m]))`, Legend: "{{edge}} retry {{result}}"},
				Query{Expr: `sum by (edge, result) (rate(resilience_fallbacks_total{` + svc + `}[5m]))`, Legend: "{{edge}} fallback {{result}}"}),
		}})
	}
	if s.UsesRedis() {
		panels := []Panel{series("Requests to Redis", "reqps", Query{Expr: `sum by (job, result) (rate(redis_requests_total{` + svc + `}[5m]))`, Legend: "{{job}} {{result}}"})}
		if len(s.Cached()) > 0 {
			panels = append(panels,
				series("Cached reads", "reqps", Query{Expr: `sum by (method, result) (rate(cache_reads_total{` + svc + `}[5m]))`, Legend: "{{method}} {{result}}"}),
				series("Rows forgotten", "reqps", Query{Expr: `sum by (method, result) (rate(cache_forgets_total{` + svc + `}[5m]))`, Legend: "{{method}} {{result}}"}))
		}
		sections = append(sections, section{"Redis", panels})
	}
	sections = append(sections, section{"Go", []Panel{
		series("CPU", "short", Query{Expr: `sum by (job) (rate(process_cpu_seconds_total{` + svc + `}[5m]))`, Legend: "{{job}}"}),
		series("Memory", "bytes", Query{Expr: `sum by (job) (process_resident_memory_bytes{` + svc + `})`, Legend: "{{job}}"}),
		series("Goroutines", "short", Query{Expr: `sum by (job) (go_goroutines{` + svc + `})`, Legend: "{{job}}"}),
		series("Pauses of the garbage collector", "s", Query{Expr: `max by (job) (go_gc_duration_seconds{` + svc + `, quantile="1"})`, Legend: "{{job}}"}),
	}})
	return place(sections)
}

func quantile(q, by, bucket string) string {
	return `histogram_quantile(` + q + `, sum by (` + by + `, le) (rate(` + bucket + `[5m])))`
}

// place lays the panels out, three to a line, each section below a heading.
func place(sections []section) []Panel {
	const height, width, columns = 8, 8, 24
	var list []Panel
	y := 0
	add := func(p Panel) {
		p.ID = len(list) + 1
		list = append(list, p)
	}
	for _, s := range sections {
		add(Panel{Title: s.title, Type: "row", Y: y, W: columns, H: 1})
		y++
		for i, p := range s.panels {
			p.X, p.Y, p.W, p.H = i*width%columns, y+i*width/columns*height, width, height
			add(p)
		}
		y += (len(s.panels)*width + columns - 1) / columns * height
	}
	return list
}
