package outbox

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one relay. Gauges of the table (backlog, oldest, parked) are set by the leader; others keep 0, so a
// dashboard takes the maximum over replicas.
type metrics struct {
	leader    prometheus.Gauge
	backlog   prometheus.Gauge
	oldest    prometheus.Gauge
	parked    prometheus.Gauge
	published *prometheus.CounterVec
	errors    *prometheus.CounterVec
	latency   prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outbox_leader", Help: "1 in the replica whose relay publishes."}),
		backlog: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outbox_backlog_messages", Help: "Messages not yet acknowledged by the broker, parked ones included."}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outbox_oldest_unsent_seconds", Help: "Age of the oldest message that is neither acknowledged nor parked."}),
		parked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outbox_parked_messages", Help: "Messages given up until someone retries or drops them; each holds up its key."}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outbox_published_total", Help: "Messages acknowledged by the broker, repeats included."}, []string{"topic"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outbox_publish_errors_total", Help: "Failed publishes by kind: unavailable, retried, parked."}, []string{"topic", "kind"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "outbox_commit_to_ack_seconds", Help: "From the message's insert to the broker's acknowledgement.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600}}),
	}
	if reg != nil {
		reg.MustRegister(m.leader, m.backlog, m.oldest, m.parked, m.published, m.errors, m.latency)
	}
	return m
}
