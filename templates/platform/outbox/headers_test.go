package outbox

import (
	"maps"
	"testing"
)

func TestHeadersSurviveTheTable(t *testing.T) {
	for name, ext := range map[string]map[string]string{
		"none":    nil,
		"trace":   {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1,b=2"},
		"escapes": {"a": "x\ny=z\n", "b": `\n\\n`, "c": "", "d": "\r\t=", "e": `ends in \`},
	} {
		if got := decodeHeaders(encodeHeaders(ext)); !maps.Equal(got, ext) {
			t.Errorf("%s: got %q, want %q", name, got, ext)
		}
	}
	if got := decodeHeaders(encodeHeaders(map[string]string{"a": "x\xff"}))["a"]; got != "x\uFFFD" {
		t.Errorf("invalid UTF-8 became %q", got)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("a", "b\n", `\n`)
	f.Fuzz(func(t *testing.T, v, w, x string) {
		ext := map[string]string{"a": v, "b": w, "traceparent": x}
		once := decodeHeaders(encodeHeaders(ext)) // valid UTF-8 from here
		if again := decodeHeaders(encodeHeaders(once)); !maps.Equal(once, again) || len(once) != 3 {
			t.Errorf("%q became %q, then %q", ext, once, again)
		}
	})
}
