package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// once does one thing, most often a kill.
func (c *chaos) once() {
	faults := []struct {
		name   string
		weight int
		do     func() error
	}{
		{"kill", 57, c.kill},
		{"freeze", 5, c.freeze},
		{"hang up", 8, c.hangUp},
		{"long transaction", 4, c.longTransaction},
		{"duplicates", 10, c.duplicates},
		{"poison", 4, c.poisoned},
		{"rolling restart", 2, c.roll},
		{"broker stops", 3, c.stopBroker},
		{"rebuild", 4, c.rebuild},
		{"redis goes", 3, c.redisGoes},
	}
	n := c.rand.IntN(100)
	for _, f := range faults {
		if n -= f.weight; n < 0 {
			if err := f.do(); err != nil {
				c.t.Errorf("%s: %v", f.name, err)
			}
			c.done[f.name]++
			return
		}
	}
}

func (c *chaos) note(format string, args ...any) {
	c.history = append(c.history, fmt.Sprintf(format, args...))
}

func (c *chaos) victim() *e2e.Process {
	names := append([]string{"gateway"}, shopServices...)
	return c.shop.Process(names[c.rand.IntN(len(names))])
}

func (c *chaos) service() string {
	return []string{"orders", "inventory", "payments", "notifications", "history"}[c.rand.IntN(5)]
}

// kill is kill -9 of one process or two, and a start after a moment. One in three times the last may live until it is ready.
func (c *chaos) kill() error {
	p := c.victim()
	c.note("kill %s", p.Name)
	if err := p.Kill(); err != nil {
		return err
	}
	if c.rand.IntN(3) == 0 {
		if other := c.victim(); other != p {
			c.done["kill"]++
			c.note("kill %s", other.Name)
			if err := errors.Join(other.Kill(), other.Start()); err != nil {
				return err
			}
		}
	}
	time.Sleep(time.Duration(c.rand.IntN(300)) * time.Millisecond)
	if err := p.Start(); err != nil {
		return err
	}
	if c.rand.IntN(3) == 0 {
		return p.WaitReady(c.t.Context())
	}
	return nil
}

// freeze holds a process for longer than the broker and the lease of its relay wait: others may take over, and it comes back as a zombie.
func (c *chaos) freeze() error {
	p := c.victim()
	c.note("freeze %s", p.Name)
	if err := p.Freeze(); err != nil {
		return err
	}
	time.Sleep(time.Duration(1000+c.rand.IntN(4000)) * time.Millisecond)
	return p.Thaw()
}

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

// longTransaction keeps an old snapshot and a lock on nothing for a while, in the background.
func (c *chaos) longTransaction() error {
	service := c.service()
	c.note("long transaction in %s", service)
	conn, err := c.shop.DB(c.t.Context(), service)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(c.t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM outbox"); err != nil && service != "history" && service != "notifications" {
		return err
	}
	go func() {
		defer func() { _ = conn.Close(context.Background()) }()
		time.Sleep(4 * time.Second)
	}()
	return nil
}

// topics are those of the system.
func (c *chaos) topics() ([]string, error) {
	all, err := kadm.NewClient(c.kafka).ListTopics(c.t.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range all.Names() {
		if strings.HasPrefix(name, c.shop.TopicPrefix()) {
			names = append(names, name)
		}
	}
	return names, nil
}

// duplicates sends the last messages of a topic again, in another order.
func (c *chaos) duplicates() error {
	records, err := c.read(200)
	if err != nil {
		return err
	}
	c.rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	c.note("%d messages again", len(records))
	for _, r := range records {
		again := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
		if err := c.kafka.ProduceSync(c.t.Context(), again).FirstErr(); err != nil {
			return err
		}
		c.done["message again"]++
	}
	return nil
}

// poisoned sends what is no event to every topic.
func (c *chaos) poisoned() error {
	topics, err := c.topics()
	if err != nil {
		return err
	}
	c.note("poison")
	for _, topic := range topics {
		if err := c.kafka.ProduceSync(c.t.Context(), &kgo.Record{Topic: topic, Key: []byte("poison"), Value: []byte{0xff, 0}}).FirstErr(); err != nil {
			return err
		}
	}
	c.poison++
	return nil
}

// rebuild makes a view anew while the faults go on. It may fail by them, and must do no harm then.
func (c *chaos) rebuild() error {
	c.note("rebuild of the history")
	c.rebuilding.Go(func() {
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		defer cancel()
		if out, err := c.shop.Process("history").Command(ctx, "rebuild", "OrderHistory"); err == nil {
			c.rebuilt.Add(1)
		} else {
			c.t.Logf("a rebuild amid faults: %v %s", err, out)
		}
	})
	return nil
}

// roll restarts every service in order, as a deployment does.
func (c *chaos) roll() error {
	c.note("rolling restart")
	for _, name := range shopServices {
		p := c.shop.Process(name)
		if err := p.WaitReady(c.t.Context()); err != nil { // one that was killed may not know yet how to stop
			return err
		}
		if err := p.Stop(); err != nil {
			return err
		}
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// stopBroker lets the broker hang for a while, and kills a service that has messages for it.
func (c *chaos) stopBroker() error {
	c.note("broker stops")
	if out, err := exec.CommandContext(c.t.Context(), c.stack, "pause", "kafka").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	time.Sleep(time.Duration(500+c.rand.IntN(2500)) * time.Millisecond)
	p := c.shop.Process([]string{"orders", "payments", "inventory"}[c.rand.IntN(3)])
	err := p.Kill()
	if err == nil {
		err = p.Start()
	}
	c.done["kill"]++
	if out, failed := exec.CommandContext(context.WithoutCancel(c.t.Context()), c.stack, "resume", "kafka").CombinedOutput(); failed != nil {
		return fmt.Errorf("%w\n%s", failed, out)
	}
	return err
}
