package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/msgen-dev/msgen/templates/platform/linktest"
)

// longRun is from how many kills on the chaos suite also takes its time.
const longRun = 500

// hangUp ends all connections to one database, the relay's lock among them.
func (c *chaos) hangUp() error {
	service := c.service()
	c.note("hang up on %s", service)
	conn, err := c.shop.DB(c.t.Context(), service)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(c.t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	return err
}

// crash has a process of the database server die, so that all of it starts again and recovers from its log; services wait for it as they can.
func (c *chaos) crash() error {
	c.note("the database server crashes")
	doomed, err := c.shop.DB(c.t.Context(), "orders")
	if err != nil {
		return err
	}
	defer func() { _ = doomed.Close(context.Background()) }()
	other, err := c.shop.DB(c.t.Context(), "orders")
	if err != nil {
		return err
	}
	defer func() { _ = other.Close(context.Background()) }()
	if _, err := doomed.Exec(c.t.Context(), "COPY (SELECT 1) TO PROGRAM 'kill -KILL $PPID'"); !doomed.IsClosed() {
		return fmt.Errorf("it goes on: %w", err)
	}
	deadline := time.Now().Add(time.Minute)
	for other.Ping(c.t.Context()) == nil { // until the server has noticed
		if time.Now().After(deadline) {
			return errors.New("a process of the server has died, and the others go on")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for {
		conn, err := c.shop.DB(c.t.Context(), "orders")
		if err == nil {
			return conn.Close(c.t.Context())
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// network makes the way of a service to its database slow, cuts it, or loses what goes over it: in both directions, or only what the database
// says, so that nobody learns what was committed.
func (c *chaos) network() error {
	service := c.service()
	return c.harmLink(c.shop.Database(service), "the database of "+service)
}

// brokerNetwork does the same to the way of half of the processes to the broker; the other half takes over what it can.
func (c *chaos) brokerNetwork() error { return c.harmLink(c.shop.BrokerLink(), "the broker") }

// harmLink does one of four things to a link for a while, at most some seconds longer than the broker waits for a consumer.
func (c *chaos) harmLink(link *linktest.Link, end string) error {
	ways := []struct {
		name string
		do   func()
	}{
		{"cut off", link.Cut},
		{"silent, and hears nothing", link.Hang},
		{"not heard, and hears all", link.Mute},
		{"far away", func() { link.Slow(time.Duration(20+c.rand.IntN(180)) * time.Millisecond) }},
	}
	way := ways[c.rand.IntN(len(ways))]
	c.note("%s is %s", end, way.name)
	way.do()
	time.Sleep(time.Duration(500+c.rand.IntN(4000)) * time.Millisecond)
	return link.Mend()
}

// locked locks the tables of a service's messages, so that its connections are all taken by those who wait.
func (c *chaos) locked() error {
	service := c.service()
	c.note("the messages of %s are locked", service)
	conn, err := c.shop.DB(c.t.Context(), service)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(c.t.Context(), "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tablename IN ('inbox', 'outbox')")
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	_, err = conn.Exec(c.t.Context(), "BEGIN; SET LOCAL lock_timeout = '3s'; SET LOCAL deadlock_timeout = '10s'; LOCK TABLE "+strings.Join(tables, ", "))
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "55P03" { // somebody frozen has them: all others have waited behind this one
		return nil
	}
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(1000+c.rand.IntN(2000)) * time.Millisecond)
	return nil
}

// crashBroker kills the broker, which starts again with what it has on its disk.
func (c *chaos) crashBroker() error {
	c.note("the broker crashes")
	return c.ask("crash", "kafka")
}

// crashRedis kills Redis, which starts again with nothing: rows, limits and nonces are gone.
func (c *chaos) crashRedis() error {
	c.note("redis crashes")
	return c.ask("crash", "redis")
}

// ask has the test stack do something to one of its components.
func (c *chaos) ask(what, component string) error {
	// Also when the test is over: a component that was paused has to go on.
	if out, err := exec.CommandContext(context.WithoutCancel(c.t.Context()), c.stack, what, component).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", what, component, err, out)
	}
	return nil
}

// longTransaction keeps an old snapshot for a while, in the background, and half of the time a number too that no relay may pass by.
func (c *chaos) longTransaction() error {
	service := c.service()
	c.note("long transaction in %s", service)
	conn, err := c.shop.DB(c.t.Context(), service)
	if err != nil {
		return err
	}
	ask := "SELECT 1"
	if c.rand.IntN(2) == 0 {
		ask = "SELECT pg_current_xact_id()"
	}
	if _, err := conn.Exec(c.t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; "+ask); err != nil {
		return err
	}
	go func() {
		defer func() { _ = conn.Close(context.Background()) }()
		time.Sleep(4 * time.Second)
	}()
	return nil
}

// redisGoes takes Redis away from all for a while: by a cut, or so that it does not answer.
func (c *chaos) redisGoes() error {
	if c.rand.IntN(2) == 0 {
		c.note("redis is cut off")
		c.shop.Redis().Cut()
	} else {
		c.note("redis hangs")
		c.shop.Redis().Hang()
	}
	time.Sleep(time.Duration(500+c.rand.IntN(3000)) * time.Millisecond)
	return c.shop.Redis().Mend()
}

// issuerGoes lets the issuer of the users' tokens hang up on everybody, and starts a gateway that does not know its keys yet.
func (c *chaos) issuerGoes() error {
	c.note("the issuer goes")
	c.shop.Issuer().Down(true)
	defer c.shop.Issuer().Down(false)
	p := c.shop.Process("gateway")
	if err := errors.Join(p.Kill(), p.Start()); err != nil {
		return err
	}
	c.done["kill"]++
	time.Sleep(time.Duration(500+c.rand.IntN(3000)) * time.Millisecond)
	return nil
}

// stopBroker lets the broker hang for a while, and kills a service that has messages for it.
func (c *chaos) stopBroker() error {
	c.note("broker stops")
	if err := c.ask("pause", "kafka"); err != nil {
		return err
	}
	away := time.Duration(500+c.rand.IntN(2500)) * time.Millisecond
	if c.kills >= longRun && c.done["broker stops"] == 0 {
		away = 35 * time.Second // longer than clients wait for it
	}
	time.Sleep(away)
	p := c.shop.Process([]string{"orders", "payments", "inventory"}[c.rand.IntN(3)])
	err := p.Kill()
	if err == nil {
		err = p.Start()
	}
	c.done["kill"]++
	return errors.Join(err, c.ask("resume", "kafka"))
}
