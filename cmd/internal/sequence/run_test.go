package sequence_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
)

// The environment of a test binary that is to be msgen.
const (
	beMsgen   = "MSGEN_SEQUENCE_VERSION"    // as which version
	fileLimit = "MSGEN_SEQUENCE_FILE_LIMIT" // with files of at most so many bytes
)

// child is msgen in a process of its own, which can be killed.
func child() int {
	cli.Version = os.Getenv(beMsgen)
	if text := os.Getenv(fileLimit); text != "" {
		if err := limitFiles(text); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			return 99
		}
	}
	return cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// result is what a run of msgen came to.
type result struct {
	code           int // -1 when it was killed
	stdout, stderr string
}

// msgen runs msgen in the system's folder.
func (w *world) msgen(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := cli.Main(append(args, "--dir", w.dir), strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// start begins a run of msgen in a process of its own.
func (w *world) start(args []string, env ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	exe, err := os.Executable()
	w.check(err)
	cmd = exec.CommandContext(context.WithoutCancel(w.t.Context()), exe, append(args, "--dir", w.dir)...)
	cmd.Env = append(os.Environ(), append(env, beMsgen+"="+cli.Version)...)
	stderr = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = io.Discard, stderr
	w.check(cmd.Start())
	return cmd, stderr
}

func ended(cmd *exec.Cmd, stderr *bytes.Buffer) result {
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return result{stderr: stderr.String()}
	case errors.As(err, &exit):
		return result{code: exit.ExitCode(), stderr: stderr.String()}
	}
	return result{code: 99, stderr: err.Error()}
}

// kill runs msgen and kills it, a while after it has begun, or after it has begun to stage, has staged all, or has begun to move.
func (w *world) kill(args []string) (string, result) {
	after := pick(w.r, []string{"", ".msgen/stage", ".msgen/stage/msgen.lock", ".msgen/stage/msgen.lock", ".msgen/journal.json"})
	delay := time.Duration(w.r.IntN(4000)) * time.Microsecond
	if after == "" {
		delay *= 100
	}
	cmd, stderr := w.start(args)
	done := make(chan result, 1)
	go func() { done <- ended(cmd, stderr) }()
	for waited := after == "" || w.exists(after); !waited; waited = waited || w.exists(after) {
		select {
		case res := <-done:
			return args[0] + ", to be killed after " + after + ", which never was", res
		default:
		}
	}
	select {
	case res := <-done:
		return fmt.Sprintf("%s, done before it was killed %s after %q", args[0], delay, after), res
	case <-time.After(delay):
	}
	_ = cmd.Process.Kill() // it may just have ended
	return fmt.Sprintf("%s, killed %s after %q", args[0], delay, after), <-done
}

// report is what msgen says of a run.
type report struct {
	will, may, left map[string]bool
	pruned          []string
	moved           map[string]string
	conflict, kept  bool
}

var (
	breaks  = regexp.MustCompile(`(?m)^(\S+) (will|may) not build any more: `)
	left    = regexp.MustCompile(`(?m)^left (\S+): (?:nothing in the spec asks for it any more|it was to go to \S+, where another has been put since)(?:, and it (will|may) not build)?`)
	deleted = regexp.MustCompile(`(?m)^deleted (\S+): nothing`)
	moved   = regexp.MustCompile(`(?m)^moved (\S+) to (\S+)$`)
)

func parse(stderr string) report {
	rep := report{will: map[string]bool{}, may: map[string]bool{}, left: map[string]bool{}, moved: map[string]string{}}
	note := func(path, how string) {
		switch how {
		case "will":
			rep.will[path] = true
		case "may":
			rep.may[path] = true
		}
	}
	for _, m := range breaks.FindAllStringSubmatch(stderr, -1) {
		note(m[1], m[2])
	}
	for _, m := range left.FindAllStringSubmatch(stderr, -1) {
		rep.left[m[1]] = true
		note(m[1], m[2])
	}
	for _, m := range deleted.FindAllStringSubmatch(stderr, -1) {
		rep.pruned = append(rep.pruned, m[1])
	}
	for _, m := range moved.FindAllStringSubmatch(stderr, -1) {
		rep.moved[m[1]] = m[2]
	}
	rep.conflict = strings.Contains(stderr, "changed the same lines of ")
	rep.kept = strings.Contains(stderr, "\nkept ") || strings.HasPrefix(stderr, "kept ")
	return rep
}
