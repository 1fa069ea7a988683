package service

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// serveOps serves the operations endpoint. Where plain connections are refused it is over TLS, too: probes, which say nothing but that the
// process lives, need no certificate; metrics are for the one of prometheus.
func (a *App) serveOps(l net.Listener) {
	a.opsAddr = l.Addr()
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(a.Registry, promhttp.HandlerOpts{Registry: a.Registry})
	if a.mode == mtls.Strict {
		l = tls.NewListener(l, a.tls.OpenServer())
		metrics = a.scraper(metrics)
	}
	mux.Handle("GET /metrics", metrics)
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
	if a.auth.JWKS != nil {
		mux.Handle("GET /.well-known/jwks.json", a.auth.JWKS)
	}
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

// scraperName is the last part of the SPIFFE ID of who may read metrics, in any namespace of the trust domain.
const scraperName = "prometheus"

// scraper lets in who shows the scraper's certificate.
func (a *App) scraper(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := mtls.PeerID(r.TLS)
		if err != nil || path.Base(id.Path()) != scraperName {
			a.Logger.WarnContext(r.Context(), "metrics refused", "peer", r.RemoteAddr, "id", id.String())
			http.Error(w, "metrics are for the certificate of "+scraperName, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
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
