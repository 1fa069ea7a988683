// Package templates holds everything that a generated system is made from: the platform, which is ordinary Go, and the templates.
package templates

import "embed"

//go:generate go run ../generator/internal/modsync

// FS holds the templates, the platform's sources and the examples. Names below a folder keep their case; a file that begins with a dot in
// the output begins with "dot-" here, as embedding skips hidden files.
//
//go:embed all:deploy all:docs all:examples all:gateway all:module all:platform all:root all:security all:service
var FS embed.FS
