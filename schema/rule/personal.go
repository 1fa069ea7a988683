package rule

import (
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// personalNames are names of fields that hold what identifies or reaches a person, after the examples of personal data that NIST SP 800-122,
// section 2.2, gives.
var personalNames = map[string]bool{
	"email": true, "email_address": true, "phone": true, "phone_number": true, "telephone": true, "mobile_number": true,
	"first_name": true, "last_name": true, "full_name": true, "given_name": true, "family_name": true, "surname": true, "maiden_name": true,
	"address": true, "street": true, "street_address": true, "birth_date": true, "date_of_birth": true, "birthday": true,
	"ssn": true, "social_security_number": true, "passport": true, "passport_number": true, "tax_id": true, "national_id": true,
	"driver_license": true, "iban": true, "card_number": true, "credit_card": true, "credit_card_number": true, "ip_address": true,
}

// personal remembers for each named type its first personal field; nil for a type that has none or that is being looked at.
type personal map[*schema.TypeDef]*schema.Field

// among is the first field that holds personal data, by its name or within its type; nil when there is none.
func (p personal) among(fields []*schema.Field) *schema.Field {
	for _, f := range fields {
		t := f.Type
		for t.Elem != nil {
			t = *t.Elem
		}
		if isPersonal(f.Name.V) && (t.Kind != schema.KindScalar || t.Name != "bool") {
			return f
		}
		if t.Named == nil {
			continue
		}
		inner, known := p[t.Named]
		if !known {
			p[t.Named] = nil
			inner = p.among(t.Named.Fields)
			p[t.Named] = inner
		}
		if inner != nil {
			return f
		}
	}
	return nil
}

// isPersonal looks at the whole name and at what it ends with: customer_email, shipping_street_address.
func isPersonal(name string) bool {
	for {
		if personalNames[name] {
			return true
		}
		_, rest, ok := strings.Cut(name, "_")
		if !ok {
			return false
		}
		name = rest
	}
}
