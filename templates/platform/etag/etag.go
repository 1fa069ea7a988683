// Package etag holds the entity tags of optimistic concurrency (AIP-154): a tag is the version of the row it was read from.
package etag

import (
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Of returns the tag of a row's version, in the quotes that RFC 9110 asks for.
func Of(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// Version returns the version that Of made tag from; InvalidArgument when Of did not make it.
func Version(tag string) (int64, error) {
	digits, opened := strings.CutPrefix(tag, `"`)
	digits, closed := strings.CutSuffix(digits, `"`)
	version, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !opened || !closed {
		return 0, status.Errorf(codes.InvalidArgument, "etag %.40q was not given by this service", tag)
	}
	return version, nil
}

// Match passes when given is empty, which means that the caller does not care, or equal to current. Otherwise somebody changed the
// resource since the caller read it, and the error is Aborted, as AIP-154 says.
func Match(given, current string) error {
	if given == "" || given == current {
		return nil
	}
	return status.Errorf(codes.Aborted, "etag %.40q is not the current one: the resource was changed meanwhile, read it again", given)
}

// Check is Match against a row's version.
func Check(given string, version int64) error { return Match(given, Of(version)) }
