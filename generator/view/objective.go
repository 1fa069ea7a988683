package view

import (
	"fmt"
	"sort"
	"strconv"
	"time"
)

// Objective is a service level objective as Prometheus rules need it.
type Objective struct {
	Service      *Service
	Availability string // 99.9%
	Budget       string // 0.001: the share of requests that may fail
	Window       string // 30d
	Latency      string // the p99 target in seconds, as a number; "" for none
	Rates        []BurnRate
	Ranges       []string // every window that the rates look at, from the shortest
}

// BurnRate is one alert of an objective: the error budget is spent Factor times as fast as it may be, over Long and still over Short.
type BurnRate struct {
	Severity    string // page, ticket
	Factor      string // 14.4
	Share       string // 2%: how much of the budget Long has cost when the alert fires
	Long, Short string // 1h, 5m
	Threshold   string // Factor × Budget
}

// burnRates are those of The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts", for a window of 30 days. For
// another window the long windows change in proportion, so that an alert stands for the same share of the budget.
var burnRates = []struct {
	severity, share string
	factor          float64
	long            time.Duration
}{
	{"page", "2%", 14.4, time.Hour},
	{"page", "5%", 6, 6 * time.Hour},
	{"ticket", "10%", 3, 24 * time.Hour},
	{"ticket", "10%", 1, 72 * time.Hour},
}

const (
	workbookWindow = 30 * 24 * time.Hour
	shortShare     = 12 // the short window is a twelfth of the long one
	// largestBucket is the largest bound of package rpc's latency histogram: a quantile is never estimated above it.
	largestBucket = 10 * time.Second
)

// Objectives are the objectives of the services that have one.
func (s *System) Objectives() []*Objective {
	var list []*Objective
	for _, svc := range s.Services {
		slo := svc.Spec.SLO
		if slo == nil {
			continue
		}
		budget := 1 - slo.Availability.V
		o := &Objective{
			Service: svc, Availability: percent(slo.Availability.V), Budget: decimal(budget), Window: promDuration(slo.Window.V),
		}
		if p99 := slo.LatencyP99.V; p99 > 0 {
			o.Latency = decimal(min(p99, largestBucket).Seconds())
		}
		ranges := map[string]time.Duration{}
		for _, r := range burnRates {
			long := wholeMinutes(time.Duration(float64(r.long) * float64(slo.Window.V) / float64(workbookWindow)))
			short := wholeMinutes(long / shortShare)
			ranges[promDuration(long)], ranges[promDuration(short)] = long, short
			o.Rates = append(o.Rates, BurnRate{
				Severity: r.severity, Share: r.share, Factor: decimal(r.factor), Threshold: decimal(r.factor * budget),
				Long: promDuration(long), Short: promDuration(short),
			})
		}
		for text := range ranges {
			o.Ranges = append(o.Ranges, text)
		}
		sort.Slice(o.Ranges, func(i, j int) bool { return ranges[o.Ranges[i]] < ranges[o.Ranges[j]] })
		list = append(list, o)
	}
	return list
}

// Target says in words what the objective promises.
func (o *Objective) Target() string {
	what := "requests"
	if !o.Service.answers() {
		what = "messages"
	}
	return fmt.Sprintf("%s of %s succeed within %s", o.Availability, what, o.Window)
}

// answers reports that the service has RPCs; one that has none is measured by the messages that it handles.
func (s *Service) answers() bool { return len(s.Methods) > 0 }

// serverFaults are the codes that are the service's fault and not its caller's.
const serverFaults = `grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"`

// noHealth leaves out the streams by which clients watch the health of a server.
const noHealth = `grpc_service!="grpc.health.v1.Health"`

// ErrorRatio is the share of failures over a range, as PromQL. Without failures it is 0, without traffic it is not a number.
func (o *Objective) ErrorRatio(over string) string {
	job := fmt.Sprintf("job=%q", o.Service.Name)
	if o.Service.answers() {
		all := fmt.Sprintf("sum by (job) (rate(grpc_server_handled_total{%s, %s}[%s]))", job, noHealth, over)
		bad := fmt.Sprintf("sum by (job) (rate(grpc_server_handled_total{%s, %s, %s}[%s]))", job, noHealth, serverFaults, over)
		return ratio(bad, all)
	}
	bad := fmt.Sprintf("sum by (job) (rate(inbox_dead_letters_total{%s}[%s]))", job, over)
	done := fmt.Sprintf("sum by (job) (rate(inbox_processed_total{%s}[%s]))", job, over)
	return ratio(bad, fmt.Sprintf("(%s + (%s or %s * 0))", done, bad, done))
}

func ratio(bad, all string) string { return fmt.Sprintf("(%s or %s * 0) / %s", bad, all, all) }

// P99 is the latency that 99 of 100 keep over a range, as PromQL.
func (o *Objective) P99(over string) string {
	metric, more := "inbox_lag_seconds_bucket", ""
	if o.Service.answers() {
		metric, more = "grpc_server_handling_seconds_bucket", `, grpc_type="unary"`
	}
	return fmt.Sprintf("histogram_quantile(0.99, sum by (job, le) (rate(%s{job=%q%s}[%s])))", metric, o.Service.Name, more, over)
}

// HasOutbox reports that some service has an outbox.
func (s *System) HasOutbox() bool {
	for _, svc := range s.Services {
		if svc.HasOutbox {
			return true
		}
	}
	return false
}

// HasInbox reports that some service has an inbox.
func (s *System) HasInbox() bool {
	for _, svc := range s.Services {
		if svc.HasInbox {
			return true
		}
	}
	return false
}

// SlowSeconds is the age at which a saga that has not ended is worth a look: twice its time, which leaves as much for compensation.
func (s *Saga) SlowSeconds() int { return int(2 * s.Spec.Timeout.V / time.Second) }

func decimal(f float64) string {
	// Seven digits hide that 1 − 0.999 is not exactly 0.001.
	text := strconv.FormatFloat(f, 'g', 7, 64)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func percent(f float64) string { return decimal(f*100) + "%" }

// wholeMinutes rounds to minutes, at least one: a rate needs several scrapes.
func wholeMinutes(d time.Duration) time.Duration { return max(time.Minute, d.Round(time.Minute)) }

// promDuration is a duration in Prometheus' notation: 5m, 6h, 3d, or seconds when it is no whole number of minutes.
func promDuration(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%ds", max(1, int(d/time.Second)))
}
