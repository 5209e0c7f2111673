package main

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// configError makes one line of a TOML error.
func configError(path string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		e := unknown.Errors[0]
		row, _ := e.Position()
		return fmt.Errorf("%s:%d: unknown key %s; `joinery config` prints all keys", path, row, dotted(e.Key()))
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, _ := wrong.Position()
		text := oneLine(wrong.Error())
		if m := wrongType.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("is a TOML %s; write %s", m[1], wantedValue(m[2]))
		}
		if key := dotted(wrong.Key()); key != "" {
			return fmt.Errorf("%s:%d: %s: %s", path, row, key, text)
		}
		return fmt.Errorf("%s:%d: this is not TOML: %s; `joinery config` prints an example", path, row, text)
	}
	return fmt.Errorf("%s: %s", path, oneLine(err.Error()))
}

// wrongType is go-toml's message about a value of another type, in the terms of Go.
var wrongType = regexp.MustCompile(`^cannot decode TOML (\S+) into .* of type (\S+)$`)

// wantedValue is an example of what a key of a Go type takes.
func wantedValue(goType string) string {
	switch {
	case strings.HasPrefix(goType, "map["):
		return `a table like { "Webinar" = "webinar" }`
	case strings.HasPrefix(goType, "[]"):
		return `a list like ["example.org"]`
	case goType == "bool":
		return "true or false"
	case goType == "int":
		return "a whole number"
	case goType == "float64":
		return "a number"
	}
	return "text in quotes"
}

// checkSpans refuses time spans that are not text: TOML's 30 would be 30 nanoseconds.
func checkSpans(path string, data []byte) error {
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil // the decoder says it better
	}
	return spans(path, "", reflect.TypeFor[config](), tree)
}

func spans(path, prefix string, t reflect.Type, tree map[string]any) error {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("toml")
		value, ok := tree[tag]
		if tag == "" || !ok {
			continue
		}
		key := prefix + tag
		switch {
		case f.Type == reflect.TypeFor[duration]():
			if _, ok := value.(string); !ok {
				return fmt.Errorf("%s: %s: %v is not a time span; write it in quotes with its unit, like \"30s\"", path, key, value)
			}
		case f.Type.Kind() == reflect.Struct:
			if below, ok := value.(map[string]any); ok {
				if err := spans(path, key+".", f.Type, below); err != nil {
					return err
				}
			}
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			list, _ := value.([]any)
			for _, item := range list {
				if below, ok := item.(map[string]any); ok {
					if err := spans(path, key+".", f.Type.Elem(), below); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
