package schema

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

const durationPattern = `^[0-9]{1,9}(ms|s|m|h|d)$`

var durationForm = regexp.MustCompile(durationPattern)

// maxDuration bounds every duration of the language.
const maxDuration = 3660 * 24 * time.Hour

// duration is a whole number with one of the units ms, s, m, h, d.
func duration() scalar[time.Duration] {
	return scalar[time.Duration]{want: "a duration such as 500ms, 3s, 2m, 24h or 30d", plural: "durations", tag: "!!str",
		shape: shape{"type": "string", "pattern": durationPattern}, parse: ParseDuration}
}

// ParseDuration reads a duration of the spec: a whole number and one of the units ms, s, m, h, d, up to ten years.
func ParseDuration(s string) (time.Duration, error) {
	bad := problemf("write a whole number and a unit: 500ms, 3s, 2m, 24h, 30d", "%q is no duration", s)
	if !durationForm.MatchString(s) {
		return 0, bad
	}
	unit := time.Second
	digits := strings.TrimRight(s, "mshd")
	switch s[len(digits):] {
	case "ms":
		unit = time.Millisecond
	case "m":
		unit = time.Minute
	case "h":
		unit = time.Hour
	case "d":
		unit = 24 * time.Hour
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, bad
	}
	if n > int64(maxDuration/unit) {
		return 0, problemf("", "%s is longer than ten years", s)
	}
	return time.Duration(n) * unit, nil
}

// FormatDuration writes a duration as the spec does, in its largest whole unit: 3s, 500ms, 30d.
func FormatDuration(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d != 0 && d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	if d == 0 {
		return "0s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}
