package override

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Origin is the original that an override was made from.
type Origin struct {
	Version string // of the msgen that had it
	SHA256  string // of its text
}

// The first line of an override, in a template and in a Go file that is copied. A template's is a comment that takes its line end away, so that
// nothing of it is in the output; the other is cut off.
var (
	templateLine = regexp.MustCompile(`^\{\{- /\* msgen: from (\S+) sha256:([0-9a-f]{64}) \*/ -\}\}\r?\n`)
	goLine       = regexp.MustCompile(`^// msgen: from (\S+) sha256:([0-9a-f]{64})\r?\n`)
)

// originOf is what the first line of an override says.
func originOf(text []byte) Origin {
	for _, line := range []*regexp.Regexp{templateLine, goLine} {
		if m := line.FindSubmatch(text); m != nil {
			return Origin{Version: string(m[1]), SHA256: string(m[2])}
		}
	}
	return Origin{}
}

// Eject is the override that a template's original becomes, which makes the same output: its text behind a line that says what it was made from.
func Eject(name string, original []byte, version string) []byte {
	return Signed(name, original, original, version)
}

// Signed is the text of an override without such a line, behind one that says that it was made from original.
func Signed(name string, text, original []byte, version string) []byte {
	line := "// msgen: from %s sha256:%s\n"
	if IsTemplate(name) {
		line = "{{- /* msgen: from %s sha256:%s */ -}}\n"
	}
	return append(fmt.Appendf(nil, line, strings.Join(strings.Fields(version), "-"), Digest(original)), text...)
}

// Body is the text of an override without the line that Signed puts in front, and the number of lines that were cut off: 0 or 1.
func Body(text []byte) (body []byte, lines int) {
	for _, line := range []*regexp.Regexp{templateLine, goLine} {
		if m := line.Find(text); m != nil {
			return text[len(m):], 1
		}
	}
	return text, 0
}

// IsTemplate reports that a name is that of a template, and not of a file that is copied as it is.
func IsTemplate(name string) bool { return strings.HasSuffix(name, ".tmpl") }

// Digest is what an override remembers of its original. Line ends do not count: version control may change them.
func Digest(text []byte) string {
	sum := sha256.Sum256(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	return hex.EncodeToString(sum[:])
}
