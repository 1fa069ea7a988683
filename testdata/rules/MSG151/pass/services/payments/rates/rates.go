// Package rates holds what cards cost.
package rates

// Card is the fee of a payment by card, in percent.
const Card = 2
