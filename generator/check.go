package generator

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/scanner"
	"go/token"
	"path"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/source"
)

// check finds the first place at which a file is not what its name says it is; nil when there is none, or when nothing here can tell.
func check(name string, text []byte) *flaw {
	switch base := path.Base(name); {
	case strings.HasSuffix(base, ".go"):
		_, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
		if err != nil {
			return notGo(err)
		}
	case strings.HasSuffix(base, ".yaml"), strings.HasSuffix(base, ".yml"):
		file := source.NewFile(name, text)
		if list := schema.CheckYAML(file); len(list) > 0 {
			at, _ := file.Offset(list[0].Primary.Span.Start)
			return &flaw{kind: "YAML", message: list[0].Message, offset: at, help: list[0].Help}
		}
	case strings.HasSuffix(base, ".json"):
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			wrong := &flaw{kind: "JSON", message: err.Error()}
			if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
				wrong.offset = max(int(syntax.Offset)-1, 0) // it counts the character that is wrong too
			}
			return wrong
		}
	case base == "go.mod":
		if _, err := modfile.Parse(base, text, nil); err != nil {
			wrong := &flaw{kind: "a go.mod", message: err.Error()}
			if list := (modfile.ErrorList)(nil); errors.As(err, &list) && len(list) > 0 {
				wrong.message, wrong.offset = list[0].Err.Error(), lineOffset(text, list[0].Pos.Line)
			}
			return wrong
		}
	}
	return nil
}

// notGo is the flaw that an error of the Go parser names.
func notGo(err error) *flaw {
	wrong := &flaw{kind: "Go", message: err.Error()}
	if list := (scanner.ErrorList)(nil); errors.As(err, &list) && len(list) > 0 {
		wrong.message, wrong.offset = list[0].Msg, list[0].Pos.Offset
	}
	return wrong
}

// lineOffset is where the text of a line begins.
func lineOffset(text []byte, line int) int {
	at := 0
	for range line - 1 {
		i := strings.IndexByte(string(text[at:]), '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
		at++
	}
	return at
}
