package schema

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

var takenKey = regexp.MustCompile(`^line (\d+): (mapping key .*)`)

// CheckYAML reads a file of any number of YAML documents. The list has the first fault of its syntax, or else the keys that stand twice in a
// mapping; it is empty when there is nothing wrong.
func CheckYAML(file *source.File) diag.List {
	dec := yaml.NewDecoder(bytes.NewReader(file.Content))
	var list diag.List
	for {
		node, err := decodeNode(dec)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			return yamlError(file, err)
		}
		var value any
		var mistyped *yaml.TypeError
		if err := node.Decode(&value); !errors.As(err, &mistyped) {
			if err != nil {
				return append(list, yamlError(file, err)...)
			}
			continue
		}
		for _, text := range mistyped.Errors {
			message, line := text, 1
			if m := takenKey.FindStringSubmatch(text); m != nil {
				line, _ = strconv.Atoi(m[1])
				message = strings.TrimSuffix(m[2], "\n")
			}
			list = append(list, diag.Diagnostic{Severity: diag.Error, Message: message, Primary: diag.Label{Span: lineSpan(file, line)}})
		}
	}
}
