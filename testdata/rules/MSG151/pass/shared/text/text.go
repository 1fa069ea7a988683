// Package text is for every service.
package text

// Upper is no business of a service.
func Upper(s string) string { return s }
