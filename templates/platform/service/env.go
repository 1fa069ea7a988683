package service

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// LoadEnv fills the struct that dst points to from the environment, by its env and envDefault tags. A field whose variable is unset and
// that has no envDefault keeps its value. The error names every variable that is missing or cannot be read, not only the first.
func LoadEnv(dst any) error {
	err := env.Parse(dst)
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("environment: %w", err)
	}
	problems := make([]error, 0, len(all.Errors))
	for _, err := range all.Errors {
		var missing env.VarIsNotSetError
		var unreadable env.ParseError
		switch {
		case errors.As(err, &missing):
			err = fmt.Errorf("%s is not set", missing.Key)
		case errors.As(err, &unreadable): // it knows the field only, which means nothing to who sets the variable
			err = fmt.Errorf("%s: %w", strings.Join(variables(reflect.TypeOf(dst).Elem(), unreadable), " or "), unreadable.Err)
		}
		problems = append(problems, err)
	}
	return fmt.Errorf("environment: %w", errors.Join(problems...))
}

// variables returns the names of the variables that fields like the one in the error are read from; the field's when it finds none.
func variables(t reflect.Type, err env.ParseError) []string {
	var names []string
	var walk func(reflect.Type, string)
	walk = func(t reflect.Type, prefix string) {
		for i := range t.NumField() {
			field := t.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
			switch {
			case name != "" && field.Name == err.Name && field.Type == err.Type:
				names = append(names, prefix+name)
			case name == "" && field.Type.Kind() == reflect.Struct:
				walk(field.Type, prefix+field.Tag.Get("envPrefix"))
			}
		}
	}
	walk(t, "")
	if len(names) == 0 {
		return []string{err.Name}
	}
	return names
}
