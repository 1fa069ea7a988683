package inbox

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	processed   *prometheus.CounterVec
	duplicates  prometheus.Counter
	retries     *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
	kept        *prometheus.GaugeVec
	skipped     prometheus.Counter
	outages     prometheus.Counter
	quarantined *prometheus.CounterVec
	batchSize   prometheus.Histogram
	seconds     *prometheus.HistogramVec
	lag         prometheus.Histogram
}

// newMetrics registers the metrics with the label group, so that several inboxes share a registry. A nil reg registers nothing.
func newMetrics(reg prometheus.Registerer, group string, verifier Verifier) *metrics {
	f := promauto.With(prometheus.WrapRegistererWith(prometheus.Labels{"group": group}, reg))
	byType := []string{"type"}
	m := &metrics{
		processed: f.NewCounterVec(prometheus.CounterOpts{
			Name: "inbox_processed_total", Help: "Messages handled and committed."}, byType),
		duplicates: f.NewCounter(prometheus.CounterOpts{
			Name: "inbox_duplicates_total", Help: "Messages that had been handled before."}),
		retries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "inbox_retries_total", Help: "Failed attempts that are followed by another."}, byType),
		deadLetters: f.NewCounterVec(prometheus.CounterOpts{
			Name: "inbox_dead_letters_total", Help: "Messages parked in dead_letters."}, byType),
		kept: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inbox_dead_letters_kept", Help: "Messages in dead_letters, until someone retries or drops them."}, byType),
		skipped: f.NewCounter(prometheus.CounterOpts{
			Name: "inbox_skipped_total", Help: "Messages of a type that has no handler."}),
		outages: f.NewCounter(prometheus.CounterOpts{
			Name: "inbox_outages_total", Help: "Transactions that failed because the database was down."}),
		batchSize: f.NewHistogram(prometheus.HistogramOpts{
			Name: "inbox_batch_size", Help: "Messages in a batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inbox_handling_seconds", Help: "Time the handlers of a message took, failed attempts included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 3, 12)}, byType),
		lag: f.NewHistogram(prometheus.HistogramOpts{
			Name: "inbox_lag_seconds", Help: "From the making of a message to the commit of its work.",
			Buckets: prometheus.ExponentialBuckets(0.001, 3, 14)}),
	}
	if verifier != nil {
		m.quarantined = f.NewCounterVec(prometheus.CounterOpts{
			Name: "messages_quarantined_total", Help: "Messages that were not believed: unsigned, forged, altered, late, or of the wrong sender."},
			[]string{"reason"})
		for _, reason := range verifier.Reasons() {
			m.quarantined.WithLabelValues(reason) // a zero is a value: an alert sees the first
		}
	}
	return m
}
