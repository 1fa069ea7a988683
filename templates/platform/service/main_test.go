package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// mainOutput runs Main and returns its exit code and the lines it wrote.
func mainOutput(t *testing.T, setup Setup) (code int, lines []map[string]any) {
	t.Helper()
	t.Setenv("GRPC_ADDR", "127.0.0.1:0")
	t.Setenv("OPS_ADDR", "127.0.0.1:0")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	read := make(chan []byte, 1)
	go func() {
		raw, _ := io.ReadAll(r)
		read <- raw
	}()
	code = Main("orders", Defaults{Logs: "json"}, setup)
	_ = w.Close()
	raw := <-read
	_ = r.Close()
	for line := range bytes.Lines(raw) {
		var one map[string]any
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, one)
	}
	return code, lines
}

func TestMainEndsAtSIGTERM(t *testing.T) {
	code, lines := mainOutput(t, func(_ context.Context, app *App) error {
		app.Go("deployment", func(ctx context.Context) error {
			if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
		return nil
	})
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	var messages []string
	address := regexp.MustCompile(`^127\.0\.0\.1:[1-9][0-9]*$`)
	for _, line := range lines {
		messages = append(messages, line["msg"].(string))
		if line["msg"] == "serving" {
			for _, key := range []string{"grpc", "ops"} {
				if addr, _ := line[key].(string); !address.MatchString(addr) {
					t.Errorf("%s is %q, not what was bound", key, addr)
				}
			}
		}
	}
	if got := strings.Join(messages, ", "); !strings.Contains(got, "serving") || !strings.HasSuffix(got, "stopping, stopped") {
		t.Errorf("logged %s", got)
	}
}

func TestMainReportsAFailingWorker(t *testing.T) {
	code, lines := mainOutput(t, func(_ context.Context, app *App) error {
		app.Go("outbox relay", func(context.Context) error { return errors.New("lost the lock") })
		return nil
	})
	last := lines[len(lines)-1]
	if code != 1 || last["level"] != "ERROR" || last["error"] != "outbox relay: lost the lock" || last["service"] != "orders" {
		t.Errorf("exit code %d, last line %v", code, last)
	}
}

func TestMainReportsABadEnvironment(t *testing.T) {
	t.Setenv("SHUTDOWN_GRACE", "soon")
	t.Setenv("TRACE_SAMPLING", "half")
	code, lines := mainOutput(t, func(context.Context, *App) error { t.Error("set up"); return nil })
	if code != 1 || len(lines) != 1 {
		t.Fatalf("exit code %d, %v", code, lines)
	}
	for _, want := range []string{"SHUTDOWN_GRACE", "TRACE_SAMPLING"} {
		if text, _ := lines[0]["error"].(string); !strings.Contains(text, want) {
			t.Errorf("%s is not in %q", want, text)
		}
	}
}
