package gateway

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/gateway/internal/testpb"
)

// same compares JSON by what it says: protojson varies its spaces.
func same(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMethods(t *testing.T) {
	f := serve(t, setup{})
	for _, test := range []struct {
		name, method, path, body, header string
		code                             int
		want                             string
	}{
		{"body field", "POST", "/v1/books", `{"title":"Emma","genre":"GENRE_NOVEL"}`, "", 201, `{"id":"new:","title":"Emma","genre":"GENRE_NOVEL","pages":"0"}`},
		{"empty body", "POST", "/v1/books", "", "", 201, `{"id":"new:","title":"","genre":"GENRE_UNSPECIFIED","pages":"0"}`},
		{"idempotency key", "POST", "/v1/books", `{}`, "Idempotency-Key: k1", 201, `{"id":"new:k1","title":"","genre":"GENRE_UNSPECIFIED","pages":"0"}`},
		{"idempotency key beside the field", "POST", "/v1/books?requestId=q", `{}`, "Idempotency-Key: k1", 201, `{"id":"new:q","title":"","genre":"GENRE_UNSPECIFIED","pages":"0"}`},
		{"json with charset", "POST", "/v1/books", `{}`, "Content-Type: application/json; charset=UTF-8", 201, `{"id":"new:","title":"","genre":"GENRE_UNSPECIFIED","pages":"0"}`},
		{"path", "GET", "/v1/books/b1", "", "", 200, `{"id":"b1","title":"Emma","genre":"GENRE_UNSPECIFIED","pages":"0"}`},
		{"escaped path", "GET", "/v1/books/a%2Fb%20c+d", "", "", 200, `{"id":"a/b c+d","title":"Emma","genre":"GENRE_UNSPECIFIED","pages":"0"}`},
		{
			"query", "GET", "/v1/books?page_size=7&filter.title=E&filter.not.title=F&genres=GENRE_POEM&genres=1&filter.publishedAfter=2020-01-02T03:04:05Z", "", "", 200,
			`{"books":[],"nextPageToken":"","request":{"pageSize":7,"pageToken":"","genres":["GENRE_POEM","GENRE_NOVEL"],
				"filter":{"title":"E","publishedAfter":"2020-01-02T03:04:05Z","not":{"title":"F"}}}}`,
		},
		{
			"mask of the body", "PATCH", "/v1/books/b1", `{"id":"other","title":"T","published":null}`, "", 200,
			`{"book":{"id":"b1","title":"T","genre":"GENRE_UNSPECIFIED","pages":"0"},"updateMask":"published,title","allowMissing":false}`,
		},
		{
			"mask of the client", "PATCH", "/v1/books/b1?updateMask=genre&allow_missing=true", `{"title":"T"}`, "", 200,
			`{"book":{"id":"b1","title":"T","genre":"GENRE_UNSPECIFIED","pages":"0"},"updateMask":"genre","allowMissing":true}`,
		},
		{
			"mask of the client by its paths", "PATCH", "/v1/books/b1?updateMask.paths=genre&updateMask.paths=pages", `{"title":"T"}`, "", 200,
			`{"book":{"id":"b1","title":"T","genre":"GENRE_UNSPECIFIED","pages":"0"},"updateMask":"genre,pages","allowMissing":false}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var headers []string
			if test.header != "" {
				headers = append(headers, test.header)
			}
			got := f.do(t, test.method, test.path, test.body, headers...)
			if got.code != test.code || got.header.Get("Content-Type") != "application/json" {
				t.Fatalf("got %d %s: %s", got.code, got.header.Get("Content-Type"), got.body)
			}
			same(t, got.body, test.want)
		})
	}
	t.Run("head", func(t *testing.T) {
		if got := f.do(t, "HEAD", "/v1/books/b1", ""); got.code != 200 || got.body != "" || got.header.Get("Content-Length") == "" {
			t.Errorf("got %d %q %v", got.code, got.body, got.header)
		}
	})
	t.Run("empty answer", func(t *testing.T) {
		if got := f.do(t, "DELETE", "/v1/books/b1", ""); got.code != 204 || got.body != "" {
			t.Errorf("got %d %q", got.code, got.body)
		}
	})
}

func TestKindsInTheQuery(t *testing.T) {
	f := serve(t, setup{})
	query := []string{
		"boolValue=true", "int32Value=-1", "sint32Value=-2", "sfixed32Value=-3", "int64Value=-4", "sint64Value=-5", "sfixed64Value=-6",
		"uint32Value=7", "fixed32Value=8", "uint64Value=18446744073709551615", "fixed64Value=10", "floatValue=1.5", "doubleValue=-2.5e3",
		"stringValue=%C3%A9", "bytesValue=_-8%3D", "genre=2", "timestamp=2020-01-02T03:04:05.6Z", "duration=1.5s", "wrapped=12",
		"wrapped_bool=true", "mask=a,bC", "numbers=1", "numbers=2", "left=l", "maybe=0",
	}
	got := f.do(t, "GET", "/v1/kinds?"+strings.Join(query, "&"), "")
	if got.code != 200 {
		t.Fatalf("got %d: %s", got.code, got.body)
	}
	want := &testpb.Kinds{}
	if err := protojson.Unmarshal([]byte(`{"boolValue":true,"int32Value":-1,"sint32Value":-2,"sfixed32Value":-3,"int64Value":-4,"sint64Value":-5,
		"sfixed64Value":-6,"uint32Value":7,"fixed32Value":8,"uint64Value":"18446744073709551615","fixed64Value":"10","floatValue":1.5,
		"doubleValue":-2500,"stringValue":"é","bytesValue":"/+8=","genre":"GENRE_POEM","timestamp":"2020-01-02T03:04:05.6Z","duration":"1.5s",
		"wrapped":"12","wrappedBool":true,"mask":"a,bC","numbers":[1,2],"left":"l","maybe":0}`), want); err != nil {
		t.Fatal(err)
	}
	echoed := &testpb.Kinds{}
	if err := protojson.Unmarshal([]byte(got.body), echoed); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(echoed, want) {
		t.Errorf("got  %v\nwant %v", echoed, want)
	}
}

func TestBadRequests(t *testing.T) {
	f := serve(t, setup{opts: Options{MaxBody: 200}})
	for _, test := range []struct {
		name, method, path, body, header string
		code                             int
		says                             string
	}{
		{"malformed json", "POST", "/v1/books", `{"title":`, "", 400, "body does not fit"},
		{"not an object", "POST", "/v1/books", `[1]`, "", 400, "body does not fit"},
		{"null", "POST", "/v1/books", `null`, "", 400, "body does not fit"},
		{"unknown field", "POST", "/v1/books", `{"titel":"x"}`, "", 400, `unknown field "titel"`},
		{"duplicate key", "POST", "/v1/books", `{"title":"x","title":"y"}`, "", 400, "duplicate field"},
		{"wrong type", "POST", "/v1/books", `{"title":1}`, "", 400, "body does not fit"},
		{"unknown enum", "POST", "/v1/books", `{"genre":"GENRE_X"}`, "", 400, "body does not fit"},
		{"not utf-8", "POST", "/v1/books", "{\"title\":\"\xff\"}", "", 400, "body does not fit"},
		{"two oneof members", "POST", "/v1/kinds", `{"left":"a","right":"b"}`, "", 400, "body does not fit"},
		{"brackets", "POST", "/v1/kinds", strings.Repeat("[", 150), "", 400, "body does not fit"},
		{"wrong content type", "POST", "/v1/books", `{}`, "Content-Type: text/plain", 415, "application/json"},
		{"foreign charset", "POST", "/v1/books", `{}`, "Content-Type: application/json; charset=latin1", 415, "application/json"},
		{"compressed", "POST", "/v1/books", `{}`, "Content-Encoding: gzip", 415, "not compressed"},
		{"body too large", "POST", "/v1/books", `{"title":"` + strings.Repeat("x", 200) + `"}`, "", 413, "larger than 200 bytes"},
		{"body where none is taken", "DELETE", "/v1/books/b1", `{}`, "", 400, "takes no body"},
		{"unknown parameter", "GET", "/v1/books?pagesize=1", "", "", 400, "unknown query parameter"},
		{"unknown nested parameter", "GET", "/v1/books?filter.titel=1", "", "", 400, "unknown query parameter"},
		{"parameter under a scalar", "GET", "/v1/books?page_size.x=1", "", "", 400, "unknown query parameter"},
		{"too deep", "GET", "/v1/books?filter" + strings.Repeat(".not", 20) + ".title=1", "", "", 400, "unknown query parameter"},
		{"parameter beside a whole body", "POST", "/v1/kinds?bool_value=true", `{}`, "", 400, "unknown query parameter"},
		{"doubled parameter", "GET", "/v1/books?page_size=1&page_size=2", "", "", 400, "more than once"},
		{"doubled by two names", "GET", "/v1/books?page_size=1&pageSize=2", "", "", 400, "more than once"},
		{"parameter of the path", "GET", "/v1/books/b1?id=b2", "", "", 400, "given by the path"},
		{"parameter of the body", "POST", "/v1/books?book.title=x", `{}`, "", 400, "belongs into the body"},
		{"malformed query", "GET", "/v1/books?page_size=%zz", "", "", 400, "malformed"},
		{"semicolon", "GET", "/v1/books?page_size=1;x=2", "", "", 400, "malformed"},
		{"no number", "GET", "/v1/books?page_size=one", "", "", 400, "whole number of 32 bits"},
		{"empty number", "GET", "/v1/books?page_size=", "", "", 400, "whole number of 32 bits"},
		{"number out of range", "GET", "/v1/kinds?int32_value=2147483648", "", "", 400, "32 bits"},
		{"negative unsigned", "GET", "/v1/kinds?uint64_value=-1", "", "", 400, "not negative"},
		{"no bool", "GET", "/v1/kinds?bool_value=yes", "", "", 400, "true or false"},
		{"no base64", "GET", "/v1/kinds?bytes_value=*", "", "", 400, "base64"},
		{"no enum", "GET", "/v1/kinds?genre=9", "", "", 400, "no value of Genre"},
		{"no time", "GET", "/v1/kinds?timestamp=now", "", "", 400, "no Timestamp"},
		{"a map", "GET", "/v1/kinds?labels=x", "", "", 400, "a map"},
		{"a message", "GET", "/v1/books?filter=x", "", "", 400, "is a message"},
		{"two oneof parameters", "GET", "/v1/kinds?left=a&right=b", "", "", 400, "excludes left"},
		{"path not utf-8", "GET", "/v1/books/%ff", "", "", 400, "not valid UTF-8"},
		{"query not utf-8", "GET", "/v1/kinds?string_value=%ff", "", "", 400, "not valid UTF-8"},
		{"idempotency key not utf-8", "POST", "/v1/books", `{}`, "Idempotency-Key: \xff", 400, "not valid UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var headers []string
			if test.header != "" {
				headers = append(headers, test.header)
			}
			got := f.do(t, test.method, test.path, test.body, headers...)
			info := got.problem(t)
			if got.code != test.code || info.Code != "INVALID_ARGUMENT" || !strings.Contains(info.Detail, test.says) {
				t.Errorf("got %d %s: %s", got.code, info.Code, info.Detail)
			}
		})
	}
	if md := f.library.metadata(); md != nil {
		t.Errorf("a bad request reached the service: %v", md)
	}
}

func TestFieldViolations(t *testing.T) {
	got := serve(t, setup{}).do(t, "GET", "/v1/books?filter.published_after=x", "")
	want := `[{"field":"filter.published_after","pointer":"/filter/publishedAfter","detail":"is no Timestamp"}]`
	fields, err := json.Marshal(got.problem(t).Errors)
	if err != nil {
		t.Fatal(err)
	}
	same(t, string(fields), want)
}

func TestUnknownRoutes(t *testing.T) {
	f := serve(t, setup{})
	for _, path := range []string{
		"/", "/v1", "/v1/books/", "/v1/books/b1/", "/v2/books", "/v1/books/../kinds", "/v1/../v1/books", "//v1/books", "/V1/Books",
		"/v1/books/b1/../../../etc/passwd", "/%2e%2e/etc/passwd", "/v1%2Fbooks", "/metrics", "/healthz", "/debug/pprof/",
	} {
		got := f.do(t, "GET", path, "")
		if info := got.problem(t); got.code != 404 || info.Code != "NOT_FOUND" {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	// An escaped traversal is a strange id and nothing else.
	if got := f.do(t, "GET", "/v1/books/..%2F..%2Fetc%2Fpasswd", ""); got.code != 200 || !strings.Contains(got.body, "../../etc/passwd") {
		t.Errorf("escaped traversal: %d %s", got.code, got.body)
	}
	got := f.do(t, "PUT", "/v1/books/b1", "{}")
	if info := got.problem(t); got.code != 405 || info.Code != "UNIMPLEMENTED" {
		t.Errorf("unknown method: %d %s", got.code, got.body)
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		if !strings.Contains(got.header.Get("Allow"), method) {
			t.Errorf("Allow: %s lacks %s", got.header.Get("Allow"), method)
		}
	}
}

func TestRoutesThatDoNotFit(t *testing.T) {
	f := serve(t, setup{})
	books := testpb.NewLibraryServiceClient(f.gateway.conns[0])
	for _, r := range []Route{
		{Method: "GET", Path: "/a/:nothing"},
		{Method: "GET", Path: "/b", PathFields: map[string]string{"id": "id"}},
		{Method: "GET", Path: "/c/:id", Body: "id"},
		{Method: "GET", Path: "/d/:id", Mask: "id"},
		{Method: "GET", Path: "/e/:id", Scopes: []string{"s"}},
		{Method: "GET", Path: "/v1/books/:id"}, // there is one
	} {
		before := len(f.gateway.errs)
		Handle(f.gateway, r, books.GetBook)
		if len(f.gateway.errs) != before+1 {
			t.Errorf("%+v: not refused", r)
		}
	}
}

// A small body can be nested so deep that decoding it would take the stack.
func TestNestingIsBounded(t *testing.T) {
	md := (&testpb.ListBooksRequest{}).ProtoReflect().Descriptor()
	b, err := newBinding(Route{Body: "*", Path: "/v1/books"}, md)
	if err != nil {
		t.Fatal(err)
	}
	nested := func(depth int) []byte {
		return []byte(`{"filter":` + strings.Repeat(`{"not":`, depth) + `{}` + strings.Repeat(`}`, depth) + `}`)
	}
	if err := b.fromBody(nested(bodyDepth-10), (&testpb.ListBooksRequest{}).ProtoReflect()); err != nil {
		t.Errorf("nested within the limit: %v", err)
	}
	if err := b.fromBody(nested(bodyDepth+10), (&testpb.ListBooksRequest{}).ProtoReflect()); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "recursion") {
		t.Errorf("nested beyond the limit: %v", err)
	}
}

// What a client sends is answered, and kept out of the log.
func TestRequestsStayOutOfTheLog(t *testing.T) {
	f := serve(t, setup{})
	for _, body := range []string{`{"title":4242}`, `{"genre":"GENRE_4242"}`, `{"4242":1}`} {
		if got := f.do(t, "POST", "/v1/books", body); got.code != 400 {
			t.Errorf("%s: %d", body, got.code)
		}
	}
	f.do(t, "GET", "/v1/books?filter.published_after=4242", "")
	log := f.logs.String()
	if strings.Contains(log, "4242") || !strings.Contains(log, "invalid request: filter.published_after") {
		t.Errorf("the log:\n%s", log)
	}
}
