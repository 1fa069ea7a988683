package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is one service of a system.
type Process struct {
	// Name is the service's name.
	Name string
	// Main is the address of its gRPC server, or of the gateway's HTTP server.
	Main string
	// Ops is the address of its metrics and health.
	Ops string
	// LogFile is where its output goes.
	LogFile string

	binary string
	ops    *http.Client // nil: over plain HTTP
	env    []string
	keepUp bool

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	wanted bool     // nobody has stopped it
	ended  []string // the last line of each time that it ended by itself
}

func newProcess(name, binary, dir string) (*Process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	ops, err := freeAddr()
	if err != nil {
		return nil, err
	}
	return &Process{Name: name, Main: addr, Ops: ops, binary: binary, LogFile: filepath.Join(dir, "bin", name+".log")}, nil
}

// The ports of freeAddr are below those that the kernel gives to outgoing connections.
const firstPort, ports = 20000, 10000

// nextPort counts on from a port that other processes hardly begin with, so that none is given twice.
var nextPort = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(rand.Uint32N(ports))
	return &n
}()

// freeAddr is a loopback address that nothing listens on and that was not given before, as the process that it is for listens only later: the
// others have to know the address first.
func freeAddr() (string, error) {
	const tries = 100
	var last error
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%ports))
		if err != nil {
			last = err
			continue
		}
		return l.Addr().String(), l.Close()
	}
	return "", last
}

// Start starts the process; its output is added to its log file.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = true
	return p.start()
}

func (p *Process) start() error {
	log, err := os.OpenFile(p.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd, exited := exec.Command(p.binary), make(chan struct{})
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.cmd, p.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		close(exited)
		if p.keepUp {
			p.again(cmd)
		}
	}()
	return nil
}

// again starts a process that has ended by itself, a moment later, as an orchestrator does.
func (p *Process) again(cmd *exec.Cmd) {
	const pause = 200 * time.Millisecond
	p.mu.Lock()
	if p.wanted && p.cmd == cmd {
		lines := strings.Split(strings.TrimSpace(p.Tail()), "\n")
		p.ended = append(p.ended, lines[len(lines)-1])
	}
	p.mu.Unlock()
	time.Sleep(pause)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted && p.cmd == cmd {
		if err := p.start(); err != nil {
			p.ended = append(p.ended, err.Error())
		}
	}
}

// Ended are the last lines of each time that the process ended by itself and was started again.
func (p *Process) Ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ended)
}

// current is the process that runs, or ran last; stop says that nobody wants it any more.
func (p *Process) current(stop bool) (*exec.Cmd, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stop {
		p.wanted = false
	}
	return p.cmd, p.exited
}

// Command runs the process's program beside it, with arguments and the same environment, and returns what it prints.
func (p *Process) Command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env = append(os.Environ(), p.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %v: %w\n%s", p.Name, args, err, out)
	}
	return string(out), nil
}

// WaitReady waits until the process answers that it is ready: at most a minute, and not beyond its end.
func (p *Process) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if code, _, err := p.GetOps(ctx, "/readyz"); err == nil && code == http.StatusOK {
			return nil
		}
		_, exited := p.current(false)
		if p.keepUp {
			exited = nil // another comes
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended before it was ready\n%s", p.Name, p.Tail())
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time\n%s", p.Name, p.Tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// GetOps is GET of a path of the operations endpoint, as Prometheus does it.
func (p *Process) GetOps(ctx context.Context, path string) (int, []byte, error) {
	client, scheme := http.DefaultClient, "http://"
	if p.ops != nil {
		client, scheme = p.ops, "https://"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+p.Ops+path, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// Kill is kill -9.
func (p *Process) Kill() error {
	cmd, exited := p.current(true)
	if err := p.signal(cmd, os.Kill); err != nil {
		return err
	}
	<-exited
	return nil
}

// Freeze stops the process where it is, as a machine that hangs does: its connections stand, and nothing answers.
func (p *Process) Freeze() error {
	cmd, _ := p.current(false)
	return p.signal(cmd, syscall.SIGSTOP)
}

// Thaw lets it go on.
func (p *Process) Thaw() error {
	cmd, _ := p.current(false)
	return p.signal(cmd, syscall.SIGCONT)
}

// signal sends a signal; to a process that may end by itself it comes too late now and then.
func (p *Process) signal(cmd *exec.Cmd, s os.Signal) error {
	err := cmd.Process.Signal(s)
	if p.keepUp && errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop is SIGTERM, and an error when the process does not end by itself with code 0.
func (p *Process) Stop() error {
	cmd, exited := p.current(true)
	if cmd == nil {
		return nil
	}
	select {
	case <-exited:
		return nil
	default:
	}
	if err := p.signal(cmd, syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-exited:
	case <-time.After(40 * time.Second):
		_ = p.Kill()
		return fmt.Errorf("%s did not stop in time\n%s", p.Name, p.Tail())
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s ended with code %d\n%s", p.Name, code, p.Tail())
	}
	return nil
}

// Tail is the end of the process's output.
func (p *Process) Tail() string {
	data, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	const most = 4000
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return string(data)
}
