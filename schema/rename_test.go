package schema

import (
	"strings"
	"testing"
)

// A reference by the name that something had before leads to what it is called now, however often it stands there.
func TestRenamedReferences(t *testing.T) {
	s, list := Load("x.yaml", []byte(`
apiVersion: msgen/v1
system: shop
services:
  orders:
    responsibility: Takes orders.
    owner: team
    renamedFrom: sales
    api:
      PlaceOrder: {internal: true, renamedFrom: Buy, sends: [OrderMade]}
  bills:
    responsibility: Sends bills.
    owner: team
    receives: {OrderMade: {}}
    calls: {sales.PlaceOrder: {}, orders.Buy: {}}
events:
  OrderPlaced: {key: id, fields: {id: uuid}, renamedFrom: OrderMade}
`))
	if len(list) > 0 {
		t.Fatal(renderList(t, list))
	}
	var got []string
	for _, u := range s.Unresolved {
		got = append(got, u.Kind+" "+u.Name+" is "+u.Nearest)
		if !u.Typo && u.Name != "orders.Buy" { // beside sales.PlaceOrder it would be there twice
			t.Errorf("%s %s has no fix", u.Kind, u.Name)
		}
	}
	want := "event OrderMade is OrderPlaced, event OrderMade is OrderPlaced, service sales is orders.PlaceOrder, method orders.Buy is orders.PlaceOrder"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %v", got)
	}
}
