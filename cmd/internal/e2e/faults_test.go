package e2e_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// fault is one thing that is done to the system, and how often beside the others.
type fault struct {
	name   string
	weight int
	do     func() error
}

func (c *chaos) faults() []fault {
	list := []fault{
		{"kill", 47, c.kill},
		{"freeze", 5, c.freeze},
		{"hang up", 8, c.hangUp},
		{"long transaction", 4, c.longTransaction},
		{"duplicates", 10, c.duplicates},
		{"poison", 4, c.poisoned},
		{"rolling restart", 2, c.roll},
		{"broker stops", 3, c.stopBroker},
		{"rebuild", 4, c.rebuild},
		{"redis goes", 3, c.redisGoes},
		{"database crashes", 1, c.crash},
		{"network of a database", 5, c.network},
		{"network of the broker", 5, c.brokerNetwork},
		{"redis crashes", 1, c.crashRedis},
		{"messages locked", 2, c.locked},
		{"issuer goes", 2, c.issuerGoes},
	}
	if c.kills >= longRun { // it is away for up to a minute, as it reads again all that every test has left in it
		list = append(list, fault{"broker crashes", 1, c.crashBroker})
	}
	return list
}

// once does one thing, most often a kill.
func (c *chaos) once() {
	faults, all := c.faults(), 0
	for _, f := range faults {
		all += f.weight
	}
	n := c.rand.IntN(all)
	for _, f := range faults {
		if n -= f.weight; n < 0 {
			c.do(f)
			return
		}
	}
}

func (c *chaos) do(f fault) {
	if err := f.do(); err != nil {
		c.t.Errorf("%s: %v", f.name, err)
	}
	c.done[f.name]++
	time.Sleep(time.Duration(c.rand.IntN(400)) * time.Millisecond)
}

func (c *chaos) note(format string, args ...any) {
	c.history = append(c.history, fmt.Sprintf(format, args...))
}

func (c *chaos) victim() *e2e.Process {
	names := c.shop.Names()
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
	records, err := c.read(100)
	if err != nil {
		return err
	}
	c.rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	c.note("%d messages again", len(records))
	for i, r := range records {
		records[i] = &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
	}
	c.done["message again"] += len(records)
	return c.kafka.ProduceSync(c.t.Context(), records...).FirstErr()
}

// poisoned sends what is no event to every topic, half of the time nearly as much as the broker takes.
func (c *chaos) poisoned() error {
	topics, err := c.topics()
	if err != nil {
		return err
	}
	garbage := []byte{0xff, 0}
	if c.rand.IntN(2) == 0 {
		for len(garbage) < 900_000 {
			garbage = binary.LittleEndian.AppendUint64(garbage, c.rand.Uint64()) // so that it cannot be compressed
		}
	}
	c.note("poison, %d bytes", len(garbage))
	for _, topic := range topics {
		if err := c.kafka.ProduceSync(c.t.Context(), &kgo.Record{Topic: topic, Key: []byte("poison"), Value: garbage}).FirstErr(); err != nil {
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
		if _, err := c.shop.Process("history").Command(ctx, "rebuild", "OrderHistory"); err == nil {
			c.rebuilt.Add(1)
		} else {
			c.t.Logf("a rebuild amid faults: %v", err)
		}
	})
	return nil
}

// roll restarts every process in order, as a deployment does.
func (c *chaos) roll() error {
	c.note("rolling restart")
	for _, name := range c.shop.Names() {
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
