package postgres

import (
	"crypto/tls"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// secure makes every connection of cc one over base, whatever the URL's sslmode says: to each of its hosts, and never in plain text.
func secure(cc *pgx.ConnConfig, base *tls.Config) {
	hosts := append([]*pgconn.FallbackConfig{{Host: cc.Host, Port: cc.Port}}, cc.Fallbacks...)
	seen := map[string]bool{}
	cc.Fallbacks = nil
	for i, h := range hosts {
		address := net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port)))
		if seen[address] {
			continue // the same host with another mode
		}
		seen[address] = true
		var own *tls.Config
		if !strings.HasPrefix(h.Host, "/") { // a socket of this machine has no TLS
			own = base.Clone()
			own.ServerName = h.Host
		}
		if i == 0 {
			cc.TLSConfig = own
			continue
		}
		cc.Fallbacks = append(cc.Fallbacks, &pgconn.FallbackConfig{Host: h.Host, Port: h.Port, TLSConfig: own})
	}
}
