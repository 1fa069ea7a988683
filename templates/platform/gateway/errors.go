package gateway

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
	rpccode "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// statusClientClosed answers a request that its client gave up; nobody reads it, but logs and metrics do.
const statusClientClosed = 499

// problemType is the media type of every error (RFC 9457).
const problemType = "application/problem+json"

// problem is how every error is answered: problem details (RFC 9457) with the gRPC code's name, the fields at fault and the standard details of
// AIP-193 as its extensions. The type is about:blank, which says that title and status are HTTP's own.
type problem struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Detail    string            `json:"detail"`
	Code      string            `json:"code"` // NOT_FOUND
	RequestID string            `json:"requestId"`
	Errors    []fieldError      `json:"errors,omitempty"`
	Details   []json.RawMessage `json:"details,omitempty"`
}

// fieldError is what is wrong with one field, as RFC 9457 §3 shows it. The pointer is that of RFC 6901 in the request's message.
type fieldError struct {
	Field   string `json:"field"` // lines[0].quantity
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
	Reason  string `json:"reason,omitempty"` // the rule that is broken: int32.gte_lte
}

// httpStatus maps a gRPC code as google/rpc/code.proto says.
func httpStatus(code codes.Code) int {
	switch code {
	case codes.OK:
		return http.StatusOK
	case codes.Canceled:
		return statusClientClosed
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// message is what the client is told. Messages of codes that tell of the inside (addresses, SQL, a stack) are replaced.
func message(s *status.Status) string {
	switch s.Code() {
	case codes.Unknown, codes.Internal, codes.DataLoss:
		return "internal error"
	case codes.Unavailable:
		return "service unavailable, try again later"
	case codes.DeadlineExceeded:
		return "the request took too long"
	case codes.Canceled:
		return "the request was cancelled"
	default:
		return s.Message()
	}
}

// public reports the standard details meant for callers. Others, such as DebugInfo and a service's own, stay inside.
func public(detail protoreflect.FullName) bool {
	switch detail {
	case "google.rpc.BadRequest", "google.rpc.ErrorInfo", "google.rpc.Help", "google.rpc.LocalizedMessage",
		"google.rpc.PreconditionFailure", "google.rpc.QuotaFailure", "google.rpc.ResourceInfo", "google.rpc.RetryInfo":
		return true
	default:
		return false
	}
}

// abort answers with an error of the gateway's own.
func abort(c *gin.Context, httpCode int, code codes.Code, format string, args ...any) {
	write(c, httpCode, problem{Code: rpccode.Code(code).String(), Detail: fmt.Sprintf(format, args...)})
}

// abortWith answers with err: a gRPC status, its own details included where the client may see them.
func abortWith(c *gin.Context, err error) {
	exchangeOf(c).err = err
	s := status.Convert(err)
	info := problem{Code: rpccode.Code(s.Code()).String(), Detail: message(s)}
	for _, detail := range s.Proto().GetDetails() {
		if !public(detail.MessageName()) {
			continue
		}
		fields := new(errdetails.BadRequest)
		if detail.MessageIs(fields) && detail.UnmarshalTo(fields) == nil {
			for _, v := range fields.GetFieldViolations() {
				info.Errors = append(info.Errors, fieldError{v.GetField(), pointer(v.GetField()), v.GetDescription(), v.GetReason()})
			}
			continue
		}
		if text, err := protojson.Marshal(detail); err == nil {
			info.Details = append(info.Details, text)
		}
		retry := new(errdetails.RetryInfo)
		if detail.MessageIs(retry) && detail.UnmarshalTo(retry) == nil {
			setRetryAfter(c, retry.GetRetryDelay().AsDuration())
		}
	}
	write(c, httpStatus(s.Code()), info)
}

func write(c *gin.Context, httpCode int, p problem) {
	p.Type, p.Title, p.Status, p.RequestID = "about:blank", http.StatusText(httpCode), httpCode, exchangeOf(c).requestID
	if httpCode == statusClientClosed {
		p.Title = "Client Closed Request"
	}
	c.Header("Content-Type", problemType)
	c.AbortWithStatusJSON(httpCode, p)
}

// pointer is a field path of protovalidate as a JSON pointer (RFC 6901), in the names of JSON: lines[0].unit_price is /lines/0/unitPrice.
func pointer(field string) string {
	if field == "" {
		return ""
	}
	var b strings.Builder
	upper := false
	b.WriteByte('/')
	for _, r := range field {
		switch r {
		case '.', '[':
			b.WriteByte('/')
		case ']', '"':
		case '~':
			b.WriteString("~0")
		case '/':
			b.WriteString("~1")
		case '_':
			upper = true
		default:
			if upper {
				r, upper = unicode.ToUpper(r), false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// logged is an error as the log may hold it. What is wrong with a request is told in words of the request, which can be personal: the log gets the
// names of the fields.
func logged(err error) string {
	s := status.Convert(err)
	if s.Code() != codes.InvalidArgument {
		return err.Error()
	}
	var fields []string
	for _, detail := range s.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				fields = append(fields, v.GetField())
			}
		}
	}
	return strings.TrimSuffix("invalid request: "+strings.Join(fields, ", "), ": ")
}

// invalid is an InvalidArgument that names the field at fault.
func invalid(field, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	s := status.New(codes.InvalidArgument, field+": "+text)
	violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: text}
	detailed, err := s.WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	if err != nil {
		return s.Err()
	}
	return detailed.Err()
}

// setRetryAfter rounds up: a client that comes back a little too early is refused again.
func setRetryAfter(c *gin.Context, wait time.Duration) {
	c.Header("Retry-After", strconv.Itoa(max(1, ceilSeconds(wait))))
}

func ceilSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

func noRoute(c *gin.Context) {
	abort(c, http.StatusNotFound, codes.NotFound, "no such route: %s %s", c.Request.Method, c.Request.URL.Path)
}

// noMethod has the header Allow set by gin.
func noMethod(c *gin.Context) {
	abort(c, http.StatusMethodNotAllowed, codes.Unimplemented, "%s takes only %s", c.Request.URL.Path, c.Writer.Header().Get("Allow"))
}
