package orders

import (
	"database/sql"
	"testing"
)

func TestCount(t *testing.T) {
	if _, err := sql.Open("none", ""); err == nil {
		t.Error("there is no such driver")
	}
}
