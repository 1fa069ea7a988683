package orders

import (
	"context"
	"testing"
)

func TestGet(t *testing.T) {
	Get(context.Background(), func(context.Context) {})
}
