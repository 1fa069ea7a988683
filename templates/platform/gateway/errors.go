package gateway

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

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

// errorBody is how every error is answered (AIP-193).
type errorBody struct {
	Error errorInfo `json:"error"`
}

type errorInfo struct {
	Code      int               `json:"code"`
	Status    string            `json:"status"`
	Message   string            `json:"message"`
	RequestID string            `json:"requestId"`
	Details   []json.RawMessage `json:"details,omitempty"`
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
	write(c, httpCode, errorInfo{Status: rpccode.Code(code).String(), Message: fmt.Sprintf(format, args...)})
}

// abortWith answers with err: a gRPC status, its own details included where the client may see them.
func abortWith(c *gin.Context, err error) {
	exchangeOf(c).err = err
	s := status.Convert(err)
	info := errorInfo{Status: rpccode.Code(s.Code()).String(), Message: message(s)}
	for _, detail := range s.Proto().GetDetails() {
		if !public(detail.MessageName()) {
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

func write(c *gin.Context, httpCode int, info errorInfo) {
	info.Code, info.RequestID = httpCode, exchangeOf(c).requestID
	c.AbortWithStatusJSON(httpCode, errorBody{Error: info})
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
