package resilience

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Call makes a call over e: retry(breaker(bulkhead(timeout(call)))). What the service refuses, such as NOT_FOUND, is returned as it is
// and is no failure, and neither is a caller that gives up. When the call failed for good, fallback, unless it is nil, answers req
// instead; it is given the call's error.
//
// The error is a status: the service's own; Unavailable when the breaker is open; ResourceExhausted when the bulkhead is full;
// DeadlineExceeded after the policy's timeout. The last three name the edge.
func Call[Req, Res proto.Message](
	ctx context.Context, e *Edge, req Req,
	call func(context.Context, Req, ...grpc.CallOption) (Res, error),
	fallback func(context.Context, proto.Message, error) (Res, error),
) (Res, error) {
	e.budget.earn()
	var res Res
	var err error
	var o outcome
	for n := 0; ; n++ {
		res, o, err = attempt(ctx, e, req, call)
		if !e.again(ctx, n, o, err) {
			break
		}
	}
	e.calls[o].Inc()
	switch {
	case o == succeeded:
		return res, nil
	case fallback == nil || o == refused || o == canceled:
		return res, err
	}
	res, err = fallback(ctx, req, err)
	if err != nil {
		e.fell.Inc()
		return res, err
	}
	e.fellBack.Inc()
	return res, nil
}

// attempt makes the call once, if breaker and bulkhead let it.
func attempt[Req, Res proto.Message](
	ctx context.Context, e *Edge, req Req, call func(context.Context, Req, ...grpc.CallOption) (Res, error),
) (res Res, o outcome, err error) {
	switch o = e.guard.enter(); o {
	case breakerOpen:
		return res, o, status.Errorf(codes.Unavailable, "%s: the breaker is open after too many failures", e.name)
	case bulkheadFull:
		return res, o, status.Errorf(codes.ResourceExhausted, "%s: %d calls are under way, which is the limit", e.name, e.policy.MaxConcurrent)
	}
	o = failed // unless it returns: a panic is a failure too
	defer func() { e.guard.leave(o) }()

	// A deadline rather than a timer of our own: gRPC tells it to the server, which then stops too.
	bounded, cancel := context.WithTimeout(ctx, e.policy.Timeout)
	defer cancel()
	res, err = call(bounded, req)
	if o = judge(ctx, err); o == timedOut {
		err = status.Errorf(codes.DeadlineExceeded, "%s: no answer within %s", e.name, e.policy.Timeout)
	}
	return res, o, err
}

// judge says what an attempt's error tells of the service called; ctx is the caller's.
func judge(ctx context.Context, err error) outcome {
	if err == nil {
		return succeeded
	}
	if ctx.Err() != nil {
		return canceled
	}
	code := status.Code(err)
	if errors.Is(err, context.DeadlineExceeded) { // made on this side, before there was a status
		code = codes.DeadlineExceeded
	}
	switch code {
	case codes.DeadlineExceeded:
		return timedOut
	case codes.Canceled, codes.Unknown, codes.ResourceExhausted, codes.Internal, codes.Unavailable, codes.DataLoss:
		return failed
	default:
		return refused
	}
}

// again says whether to make the call once more after attempt n, counted from 0, and waits for the time to do so.
func (e *Edge) again(ctx context.Context, n int, o outcome, err error) bool {
	if !e.idempotent || n >= e.policy.Retry.MaxRetries {
		return false
	}
	// Other failures, such as INTERNAL, are bugs more often than accidents, and a repeat would meet them again.
	code := status.Code(err)
	if o != timedOut && (o != failed || (code != codes.Unavailable && code != codes.ResourceExhausted)) {
		return false
	}
	delay := e.policy.Retry.delay(n)
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) <= delay {
		return false // the caller will be gone by then: it better hears now what went wrong
	}
	if !e.budget.spend() {
		e.denied.Inc()
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		e.retries.Inc()
		return true
	}
}
