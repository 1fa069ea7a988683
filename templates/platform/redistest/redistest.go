// Package redistest gives tests a real Redis, and one that they can take away.
package redistest

import (
	"errors"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/linktest"
)

// How long tests wait for Redis: long, as a slow machine is no outage, and less where one is meant to be.
const patience, linked = 10 * time.Second, 500 * time.Millisecond

// Config is that of the server in MSGEN_TEST_REDIS, with a prefix of the test's own. Without it the test is skipped, or fails when
// MSGEN_TEST_REQUIRE=1.
func Config(t testing.TB) kv.Config {
	t.Helper()
	const name = "MSGEN_TEST_REDIS"
	v := os.Getenv(name)
	switch {
	case v != "":
	case os.Getenv("MSGEN_TEST_REQUIRE") == "1":
		t.Fatal(name + " is not set, and MSGEN_TEST_REQUIRE=1 forbids to skip")
	default:
		t.Skip(name + " is not set: needs a Redis server")
	}
	return kv.Config{URL: v, Prefix: "test_" + uuid.NewString() + ":", Timeout: patience}
}

// Linked is Config over a link, which goes when the test ends.
func Linked(t testing.TB) (*linktest.Link, kv.Config) {
	t.Helper()
	cfg := Config(t)
	l, over, err := NewLink(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cut)
	cfg.URL, cfg.Timeout = over, linked
	return l, cfg
}

// NewLink returns a link to the server of a Redis URL, and the URL over that link.
func NewLink(server string) (*linktest.Link, string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, "", errors.New("not a URL of a Redis server") // err would quote it, with its password
	}
	l, err := linktest.New(u.Host)
	if err != nil {
		return nil, "", err
	}
	u.Host = l.Addr()
	return l, u.String(), nil
}
