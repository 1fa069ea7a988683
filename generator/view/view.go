// Package view holds the models that templates and contract writers render: every name, number and choice is already made here,
// so that what renders holds no logic beyond range and if.
package view

import (
	"github.com/msgen-dev/msgen/generator/number"
	"github.com/msgen-dev/msgen/schema"
)

// System is the whole system to generate.
type System struct {
	Spec        *schema.Spec
	Name        string // shop
	Snake       string // shop
	Module      string // example.com/shop
	Description string
	TypePrefix  string // com.example.shop: reverse DNS of the module
	Services    []*Service
	Events      []*Event
	Sagas       []*Saga
	Gateway     *Gateway // nil when nothing is exposed
	// EventsPackage is the Go package of the events' stubs.
	EventsPackage, EventsImport, EventsProto string // eventsv1, example.com/shop/api/shop/events/v1, shop/events/v1/events.proto
	Topics                                   []string
	Inferred                                 []schema.Inference // the spec's own and those made here
	Numbers                                  number.Table       // those of before and of every message here
}

// Service is one service.
type Service struct {
	System       *System
	Spec         *schema.Service
	Name         string // order-history
	Snake        string // order_history
	Go           string // OrderHistory
	Upper        string // ORDER_HISTORY, for environment names
	Package      string // orderhistoryv1
	Import       string // example.com/shop/api/shop/order_history/v1
	ProtoPackage string // shop.order_history.v1
	ProtoFile    string // shop/order_history/v1/order_history.proto (below api/)
	GRPCName     string // OrderHistoryService: the proto service
	Dir          string // services/order-history
	Group        string // shop.order-history: consumer group
	Source       string // /shop/order-history
	DatabaseName string // shop_order_history; "" without a database
	MigrationSet string // order_history: the name under which the database remembers which of its migrations it has run

	HasDB, HasOutbox, HasInbox           bool
	IsParticipant, IsOrchestrator        bool
	EventTopic, CommandTopic, ReplyTopic string   // "" when the service does not use it
	Subscribes                           []string // topics its consumer reads, sorted

	Aggregates []*Aggregate
	Types      []*Message // named types of the spec
	Views      []*View
	Methods    []*Method
	Receives   []*Receive
	Projects   []*Project // events folded into views, in the spec's order
	Calls      []*Call    // one per method called
	Clients    []*Service // distinct services called, in the spec's order
	Commands   []*Method  // methods that sagas invoke here (action, compensation or onFailure), in the spec's order
	Sagas      []*Saga    // orchestrated here, or started here when choreographed
	Messages   []*Message // every message of the .proto file, in file order: resources, types, requests, responses
}

// Message is a proto message.
type Message struct {
	Service *Service // nil for events
	Name    string   // Order
	Doc     string
	Fields  []*Field
	Enums   []*Enum // nested
	// Reserved are the numbers and names of fields that were removed.
	Reserved Reserved
}

// Enum is a nested proto enum.
type Enum struct {
	Message *Message
	Name    string // State
	Doc     string
	Values  []EnumValue // the first is the _UNSPECIFIED one
	// Reserved are the numbers and names of values that were removed.
	Reserved Reserved
}

// Reserved is what a message or enum must not use again.
type Reserved struct {
	Numbers []int    // ascending
	Names   []string // sorted
}

// EnumValue is one value.
type EnumValue struct {
	Name   string // STATE_PENDING
	Number int
	Text   string // pending: as stored in the database and written in the spec; "" for unspecified
	Go     string // Order_STATE_PENDING
}

// Field is one field of a message, with all that its renderings need.
type Field struct {
	Name     string // customer_id
	Go       string // CustomerId, as protoc-gen-go names it
	JSON     string // customerId
	Number   int
	Proto    string // the proto type without label: string, OrderLine, google.type.Money, map<string, int32>, State
	Repeated bool
	Map      bool
	Optional bool     // proto3 optional
	Options  []string // field options in proto syntax: (buf.validate.field).string.uuid = true, (google.api.field_behavior) = REQUIRED
	Doc      string
	Type     schema.Type
	Enum     *Enum         // set for an enum type
	GoType   string        // Go type as seen outside its package: string, *moneypb.Money, []*ordersv1.OrderLine, ordersv1.Order_State
	Spec     *schema.Field // nil for fields that msgen adds
	Columns  []Column      // resource and view fields only
	// Filter reports that ListX can filter by equality on it.
	Filter bool
	// Output reports that the service sets it (id, state, etag, times): not part of create requests.
	Output bool
}

// Column is one database column of a field.
type Column struct {
	Name  string // total_units
	SQL   string // bigint NOT NULL
	Check string // a CHECK expression, or ""
}

// Resource is what aggregates and views share: a message kept in a table.
type Resource struct {
	Service *Service
	Name    string // Order
	Plural  string // Orders
	Var     string // order: a Go variable name that shadows nothing
	Vars    string // orders
	Snake   string // order
	Table   string // orders
	Message *Message
	Key     *Field   // id, or the key the spec names
	Fields  []*Field // the spec's fields, without key, state, etag, times
}

// Aggregate is an aggregate with its table.
type Aggregate struct {
	Resource
	Spec    *schema.Aggregate
	KeyIsID bool  // the key is the uuid "id"
	State   *Enum // nil when it has no states
	Initial EnumValue
}

// View is a CQRS read model with its table.
type View struct {
	Resource
	Spec *schema.View
}

// MethodKind says what a method does.
type MethodKind string

// The kinds of methods.
const (
	Create     MethodKind = "create"
	Read       MethodKind = "read"
	List       MethodKind = "list"
	Update     MethodKind = "update"     // AIP-134 with a field mask
	Transition MethodKind = "transition" // updates with from/to
	Delete     MethodKind = "delete"
	Own        MethodKind = "own" // the user's
)

// Method is one RPC.
type Method struct {
	Service               *Service
	Spec                  *schema.Method // nil for a method that only a proto file declares
	Name                  string         // PlaceOrder
	Snake                 string         // place_order
	Var                   string         // placeOrder
	Kind                  MethodKind
	Doc                   string
	Resource              *Resource  // of creates/reads/lists/updates/deletes; nil for own
	Aggregate             *Aggregate // nil for own methods and for views
	View                  *View
	Request, Response     *Message // Response of create/read/update/transition is the resource's message; Request/Response of contract-first methods hold names only
	RequestGo, ResponseGo string   // ordersv1.PlaceOrderRequest, ordersv1.Order, emptypb.Empty
	From                  []EnumValue
	To                    EnumValue
	Sends                 []*Sent
	Starts                *Saga
	Internal              bool
	Public                bool
	Scopes                []string
	Route                 *Route // nil when not exposed
	CommandType           string // com.example.shop.orders.v1.PlaceOrder
	IsCommand             bool   // some saga invokes it
	Prepare               bool   // has a hook before the transaction: it writes, its service has calls, and no saga invokes it
	// KeyField is the request's field that names the resource (id); for creates with a client-assigned id (order_id), else nil.
	KeyField *Field
	// Fill are request fields copied into a new resource, by name.
	Fill                             []Assign
	ClientStreaming, ServerStreaming bool // contract-first only
}

// Assign copies one message field to another: Target.<To.Go> = Source.Get<From.Go>().
type Assign struct {
	To, From *Field
	// Message is set when both are (lists of) different messages of the same shape: then each field of Pairs is copied.
	Pairs []Assign
	// ToElem and FromElem are the element messages when Pairs is set.
	ToElem *Message
	// Literal is a Go expression used instead of From ("\"placed\"").
	Literal string
	Why     string // "by name", "the only money of both"
}

// Sent is an event that a method or receive sends.
type Sent struct {
	Event *Event
	Var   string // orderPlaced
	// FromResource are event fields filled from the aggregate; FromRequest those filled from the request.
	FromResource, FromRequest []Assign
	// Missing are fields that neither has: the user's handler sets them.
	Missing []*Field
	Type    string // com.example.shop.orders.v1.OrderPlaced
	Topic   string // shop.orders.events
}

// Event is a domain event.
type Event struct {
	Spec      *schema.Event
	Name      string
	Snake     string
	Message   *Message
	Key       *Field
	KeyExpr   string // Go expression of the partition key of variable e: e.GetOrderId()
	Senders   []*Service
	Topics    []string   // one per sender
	Types     []string   // CloudEvents types, one per sender
	Receivers []*Service // in the spec's order
}

// Receive is an event handled by a service.
type Receive struct {
	Service *Service
	Spec    *schema.Receive
	Event   *Event
	Handler string     // OnOrderConfirmed
	Snake   string     // on_order_confirmed
	Creates *Aggregate // or nil
	Retries int
	Suggest []Assign // what the user's file starts with: aggregate fields from the event
}

// Project is one event folded into one view.
type Project struct {
	Service *Service
	View    *View
	Event   *Event
	Handler string // ProjectOrderPlaced; with several views of one event: Project<View>OrderPlaced
	Snake   string
	Suggest []Assign
}

// Call is a synchronous call edge.
type Call struct {
	Service    *Service // caller
	Target     *Service
	Method     *Method
	Name       string // orders/pricing.QuoteOrder
	Policy     *schema.Policy
	Cached     bool // fallback: cached
	Idempotent bool // reads, lists, and writes that carry a request id
}

// Saga is a saga, orchestrated or choreographed.
type Saga struct {
	Spec      *schema.Saga
	Service   *Service   // that orchestrates it, or starts a choreographed one
	Name      string     // place-order
	Go        string     // PlaceOrder
	Snake     string     // place_order
	Aggregate *Aggregate // the one whose creation starts it
	Timeout   string     // Go expression: 2 * time.Minute
	Steps     []*SagaStep
	OnFailure *SagaCommand
	commands  []*SagaCommand // those with a hook so far
}

// SagaStep is one step.
type SagaStep struct {
	Saga       *Saga
	Name       string // inventory.ReserveStock
	Go         string // ReserveStock; InventoryReserveStock when two steps share the method's name
	Kind       string // Compensatable | Pivot | Retriable
	Invoke     *SagaCommand
	Compensate *SagaCommand // or nil
	Timeout    string       // Go expression: 5 * time.Second
}

// SagaCommand is a command that a saga sends; in a choreographed one it is what its service does by itself, on the event before.
type SagaCommand struct {
	Method *Method
	// KeyOf says where the request's key comes from: "saga" (the saga's aggregate), "step" (the id of step KeyStep), "" (the user's hook sets it).
	KeyOf   string
	KeyStep string
	// Hook is the user's function that fills the command, "" when nothing is left to fill: PlaceOrderReserveStock
	Hook    string
	Suggest []Assign // what the user's file starts with, from the saga's aggregate
	// Reason reports that the request has a field "reason" of type string that takes the saga's failure.
	Reason bool
}

// Gateway is the API gateway.
type Gateway struct {
	System   *System
	Spec     *schema.Gateway
	Routes   []*Route
	Services []*Service // those with routes, in the spec's order
}

// Route is one REST route.
type Route struct {
	Method  *Method
	Verb    string
	Path    string // /v1/orders/{id}
	Proto   string // google.api.http path: /v1/orders/{order.id}
	Gin     string // /v1/orders/:id
	Params  []RouteParam
	Body    string // "*", "order", ""
	Mask    string // "update_mask" or ""
	Success int    // 200, 201
}

// RouteParam binds a path parameter to a request field.
type RouteParam struct {
	Name  string // id
	Field string // order.id
}
