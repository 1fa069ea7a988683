package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
	env    []string
	cmd    *exec.Cmd
	exited chan struct{}
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

// freeAddr is a loopback address that nothing listens on, below the ports that the kernel gives to outgoing connections, as the process that
// it is for listens only later: the others have to know the address first.
func freeAddr() (string, error) {
	const first, count, tries = 20000, 10000, 100
	var last error
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(count)))
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
	log, err := os.OpenFile(p.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(p.binary)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(p.cmd, p.exited)
	return nil
}

// WaitReady waits until the process answers that it is ready: at most a minute, and not beyond its end.
func (p *Process) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Ops+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready\n%s", p.Name, p.Tail())
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time\n%s", p.Name, p.Tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill is kill -9.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.exited
	return nil
}

// Stop is SIGTERM, and an error when the process does not end by itself with code 0.
func (p *Process) Stop() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(40 * time.Second):
		_ = p.Kill()
		return fmt.Errorf("%s did not stop in time\n%s", p.Name, p.Tail())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
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
