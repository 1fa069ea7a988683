package service

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveOps serves the operations endpoint.
func (a *App) serveOps(l net.Listener) {
	a.opsAddr = l.Addr()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.Registry, promhttp.HandlerOpts{Registry: a.Registry}))
	// The process is alive when it answers. Nothing else is asked: a restart does not bring back a database.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, state{Status: "ok"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		serving, failing := a.ready.state(r.Context())
		switch {
		case !serving:
			answer(w, http.StatusServiceUnavailable, state{Status: "starting or stopping"})
		case len(failing) > 0:
			answer(w, http.StatusServiceUnavailable, state{Status: "not ready", Failing: failing})
		default:
			answer(w, http.StatusOK, state{Status: "ready"})
		}
	})
	a.ops = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a large page of metrics to a slow reader
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(a.Logger.Handler(), slog.LevelWarn),
	}
	a.spawn("ops", func() error {
		if err := a.ops.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// state is the body of a probe's answer. Why a check fails is in the log.
type state struct {
	Status  string   `json:"status"`
	Failing []string `json:"failing,omitempty"`
}

func answer(w http.ResponseWriter, code int, s state) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(s) // the prober is gone: nobody to tell
}
