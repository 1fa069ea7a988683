package main

import (
	"testing"

	payments "example.com/shop/services/payments/rates"
)

func TestFee(t *testing.T) {
	if fee(100) != "2" || payments.Card != 2 {
		t.Error("the fee has changed")
	}
}
