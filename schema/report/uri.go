package report

import (
	"net/url"
	"regexp"
	"strings"
)

// stdin is what the spec from stdin is called in findings. It is no path: in addresses it becomes stdinPath.
const (
	stdin     = "<stdin>"
	stdinPath = "stdin"
)

// drive is the beginning of an absolute path on Windows.
var drive = regexp.MustCompile(`^[A-Za-z]:/`)

// path is a file's name where a path is required.
func (m *model) path(name string) string {
	if name == stdin {
		return stdinPath
	}
	return m.relative(name)
}

// uri is the address of a file, percent-encoded; rooted is false when it is relative to the folder that msgen looks from.
func (m *model) uri(name string) (uri string, rooted bool) {
	p := m.path(name)
	switch {
	case drive.MatchString(p):
		return (&url.URL{Scheme: "file", Path: "/" + p}).String(), true
	case strings.HasPrefix(p, "/"):
		return (&url.URL{Scheme: "file", Path: p}).String(), true
	}
	return (&url.URL{Path: p}).String(), false
}
