package payments

import "example.com/shop/services/payments/rates"

// Fee is what a payment costs.
func Fee(cents int) int { return cents * rates.Card / 100 }
