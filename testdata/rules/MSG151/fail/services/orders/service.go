package main

import (
	"fmt"

	"example.com/shop/services/payments/rates"
)

func fee(cents int) string { return fmt.Sprint(cents * rates.Card / 100) }
