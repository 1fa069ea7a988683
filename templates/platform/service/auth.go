package service

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

// Auth is how a process proves to other services by tokens who it is, and how it knows who calls. Each part may be missing.
type Auth struct {
	Tokens  rpc.TokenSource                   // for its calls
	Callers rpc.TokenVerifier                 // of the calls that come in
	JWKS    http.Handler                      // the keys of its tokens, served on the operations endpoint
	Workers []func(ctx context.Context) error // until ctx ends
}

// Process is what an Auth is made for.
type Process struct {
	Name     string
	Logger   *slog.Logger
	Registry prometheus.Registerer // nil: no metrics
	TLS      *mtls.Source          // nil: connections are plain
	Mode     string                // with TLS
}

// NewAuth makes the Auth of a process: package token has them.
type NewAuth func(p Process) (*Auth, error)

func (t Trust) auth(p Process) (*Auth, error) {
	if t.Auth == nil {
		return &Auth{}, nil
	}
	return t.Auth(p)
}
