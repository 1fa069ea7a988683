package signing

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// line is a key whose bytes are all c.
func line(id string, c byte, size int) string {
	return id + " " + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(c), size))) + "\n"
}

var (
	first  = line("k1", 'a', 32)
	second = line("k2", 'b', 32)
)

func keyring(t testing.TB, content string) *Keyring {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Open(Config{KeysFile: file}, Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestUnfitKeysAreRefused(t *testing.T) {
	secret := strings.TrimSpace(strings.TrimPrefix(first, "k1 "))
	for content, want := range map[string]string{
		"":                         "holds no key",
		"# nothing\n\n":            "holds no key",
		"k1\n":                     "line 1: want an id",
		"\nk1 " + secret + " x\n":  "line 2: want an id",
		"k/1 " + secret + "\n":     "line 1: an id is made of",
		"k1 !" + secret + "\n":     "line 1: the key is not base64",
		line("k1", 'a', 31):        "line 1: the key has 31 bytes, and needs 32",
		first + first:              "line 2: key k1 is there twice",
		strings.Repeat("#", 70000): "is larger than",
	} {
		file := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Config{KeysFile: file}, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%.20q: got %v, want %q and no key", content, err, want)
		}
	}
	if _, err := Open(Config{}, Options{}); err == nil || !strings.Contains(err.Error(), "SIGNING_KEYS_FILE is not set") {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(Config{KeysFile: filepath.Join(t.TempDir(), "none")}, Options{}); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestUnreadableKeysChangeNothing(t *testing.T) {
	k := keyring(t, first)
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(k.file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("k1 broken")
	refused := k.reload(t.Context(), "")
	refused = k.reload(t.Context(), refused) // counted once
	if got := k.current.Load(); got.signing != "k1" || len(got.secrets) != 1 || testutil.ToFloat64(k.failed) != 1 {
		t.Errorf("signs with %q of %d keys after %v failures", got.signing, len(got.secrets), testutil.ToFloat64(k.failed))
	}
	if err := os.Remove(k.file); err != nil {
		t.Fatal(err)
	}
	refused = k.reload(t.Context(), refused)
	if got := k.current.Load(); got.signing != "k1" || testutil.ToFloat64(k.failed) != 2 {
		t.Errorf("without a file: signs with %q, %v failures", got.signing, testutil.ToFloat64(k.failed))
	}
	write(second + first)
	if refused = k.reload(t.Context(), refused); refused != "" {
		t.Errorf("refused %q", refused)
	}
	if got := k.current.Load(); got.signing != "k2" || len(got.secrets) != 2 {
		t.Errorf("signs with %q of %d keys, want k2 of 2", got.signing, len(got.secrets))
	}
}
