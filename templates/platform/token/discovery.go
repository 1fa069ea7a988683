package token

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// discovery finds the addresses of an issuer by OpenID Connect Discovery 1.0 §4. A document that was fetched is kept.
type discovery struct {
	issuer string
	http   *http.Client

	mu    sync.Mutex
	found endpoints
}

// endpoints are what is used of the document.
type endpoints struct {
	Issuer   string `json:"issuer"`
	TokenURL string `json:"token_endpoint"`
	JWKS     string `json:"jwks_uri"`
}

func newDiscovery(issuer string) (*discovery, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q must be an http(s) url", issuer)
	}
	return &discovery{issuer: issuer, http: &http.Client{}}, nil
}

// document fetches the document, unless that was done.
func (d *discovery) document(ctx context.Context) (endpoints, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found.Issuer != "" {
		return d.found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	address := strings.TrimSuffix(d.issuer, "/") + "/.well-known/openid-configuration"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return endpoints{}, err
	}
	res, err := d.http.Do(req)
	if err != nil {
		return endpoints{}, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return endpoints{}, fmt.Errorf("%s answers %s", address, res.Status)
	}
	var found endpoints
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&found); err != nil {
		return endpoints{}, fmt.Errorf("%s: %w", address, err)
	}
	if found.Issuer != d.issuer { // §4.3: or one issuer could speak for another
		return endpoints{}, fmt.Errorf("%s is of the issuer %q", address, found.Issuer)
	}
	if found.TokenURL == "" || found.JWKS == "" {
		return endpoints{}, fmt.Errorf("%s names no token_endpoint or no jwks_uri", address)
	}
	d.found = found
	return found, nil
}
