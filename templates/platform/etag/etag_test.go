package etag

import (
	"math"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestVersionReadsWhatOfWrote(t *testing.T) {
	for _, version := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		got, err := Version(Of(version))
		if err != nil || got != version {
			t.Errorf("Version(Of(%d)) = %d, %v", version, got, err)
		}
	}
}

func TestVersionRefusesForeignTags(t *testing.T) {
	for _, tag := range []string{"", `"`, `""`, "1", `"1`, `1"`, `W/"1"`, `"x"`, `"99999999999999999999"`} {
		if _, err := Version(tag); status.Code(err) != codes.InvalidArgument {
			t.Errorf("Version(%q): %v, want InvalidArgument", tag, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		given string
		want  codes.Code
	}{{"", codes.OK}, {`"7"`, codes.OK}, {`"6"`, codes.Aborted}, {"7", codes.Aborted}, {"junk", codes.Aborted}} {
		if err := Check(c.given, 7); status.Code(err) != c.want {
			t.Errorf("Check(%q, 7) = %v, want %v", c.given, err, c.want)
		}
	}
}
