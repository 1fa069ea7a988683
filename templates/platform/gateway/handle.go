package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Route binds an HTTP method and path to a gRPC method.
type Route struct {
	Method     string            // GET, POST…
	Path       string            // in gin's form: /v1/orders/:id
	Name       string            // orders.PlaceOrder
	Public     bool              // no token needed
	Scopes     []string          // that the token must have, all of them
	Limit      RateLimit         // of this route alone, beside the gateway's; shared when that one is
	Body       string            // what the JSON body fills: "*" the message, "order" that field, "" there is no body
	PathFields map[string]string // path parameter → proto field: "id" → "order.id"; one left out is the field of its name
	Mask       string            // field mask to fill with the body's keys when the client gives none: "update_mask"
	Success    int               // HTTP status, 200 when 0
}

// Handle serves a route by call, a method of a gRPC client. A route that does not fit its message is reported by Main.
func Handle[Req, Res proto.Message](gw *Gateway, r Route, call func(context.Context, Req, ...grpc.CallOption) (Res, error)) {
	var req Req
	var res Res
	typ := req.ProtoReflect().Type()
	bind, err := newBinding(r, typ.Descriptor())
	if err != nil {
		gw.errs = append(gw.errs, fmt.Errorf("route %s %s (%s): %w", r.Method, r.Path, r.Name, err))
		return
	}
	success := r.Success
	if success == 0 {
		success = http.StatusOK
	}
	empty := res.ProtoReflect().Descriptor().FullName() == "google.protobuf.Empty"

	err = gw.route(r, func(c *gin.Context) {
		body, ok := gw.readBody(c, r)
		if !ok {
			return
		}
		msg := typ.New()
		if err := bind.request(c, body, msg); err != nil {
			abortWith(c, err)
			return
		}
		res, err := call(outgoing(c), msg.Interface().(Req))
		if err != nil {
			abortWith(c, err)
			return
		}
		if empty {
			c.Status(http.StatusNoContent)
			return
		}
		text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(res)
		if err != nil {
			abortWith(c, err)
			return
		}
		c.Data(success, "application/json", text)
	})
	if err != nil {
		gw.errs = append(gw.errs, fmt.Errorf("route %s %s (%s): %w", r.Method, r.Path, r.Name, err))
	}
}

// outgoing is the context of the call: its deadline is the request's, and its metadata says who asks. Nothing that the
// client sent passes through unread.
func outgoing(c *gin.Context) context.Context {
	x := exchangeOf(c)
	md := metadata.MD{"x-request-id": {x.requestID}}
	if x.caller != nil {
		md["x-subject"] = []string{x.caller.subject}
		md["x-scopes"] = []string{x.caller.scope}
	}
	return metadata.NewOutgoingContext(c.Request.Context(), md)
}

// readBody reads the body within the limits of bound; not ok when it has answered.
func (gw *Gateway) readBody(c *gin.Context, r Route) ([]byte, bool) {
	body, err := io.ReadAll(c.Request.Body)
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &tooLarge):
		gw.tooLarge(c)
	case errors.As(err, &network) && network.Timeout():
		c.Header("Connection", "close")
		abort(c, http.StatusRequestTimeout, codes.DeadlineExceeded, "the body did not come in time")
	case err != nil:
		abort(c, http.StatusBadRequest, codes.InvalidArgument, "the body could not be read")
	case len(body) == 0:
		return nil, true
	case r.Body == "":
		abort(c, http.StatusBadRequest, codes.InvalidArgument, "this method takes no body")
	case !isJSON(c.Request.Header):
		abort(c, http.StatusUnsupportedMediaType, codes.InvalidArgument, "the body must be application/json, not compressed")
	default:
		return body, true
	}
	return nil, false
}

func isJSON(h http.Header) bool {
	if h.Get("Content-Encoding") != "" {
		return false
	}
	if h.Get("Content-Type") == "application/json" { // as nearly every client says it
		return true
	}
	typ, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return false
	}
	return typ == "application/json" || strings.HasPrefix(typ, "application/") && strings.HasSuffix(typ, "+json")
}
