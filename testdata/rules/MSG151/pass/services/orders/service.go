package main

import (
	"strings"

	"example.com/shop/shared/text"
)

func name(s string) string { return text.Upper(strings.TrimSpace(s)) }
