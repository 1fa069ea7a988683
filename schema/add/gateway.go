package add

import (
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// Gateway is how the gateway of a system that has none knows its clients: by tokens (JWT).
type Gateway struct {
	Issuer, Audience string // the tokens' iss and aud
	JWKS             string // the URL of the issuer's keys
}

// AddTo adds the gateway; one that is there is edit.ErrExists.
func (g Gateway) AddTo(_ *schema.Spec, doc *edit.Document) error {
	jwt := edit.Map{{Key: "issuer", Value: g.Issuer}, {Key: "audience", Value: g.Audience}, {Key: "jwks", Value: g.JWKS}}
	auth := edit.Map{{Key: "auth", Value: edit.Map{{Key: "jwt", Value: jwt}}}}
	return doc.Add(nil, edit.Entry{Key: "gateway", Value: auth, Block: true}, order)
}
