package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// An instant is a time as it stands in a column: microseconds since 1970 UTC, 0 for the zero time.
type instant time.Time

func (t instant) micros() int64 {
	if time.Time(t).IsZero() {
		return 0
	}
	return time.Time(t).UnixMicro()
}

// Value implements driver.Valuer.
func (t instant) Value() (driver.Value, error) { return t.micros(), nil }

// Scan implements sql.Scanner; NULL is the zero time.
func (t *instant) Scan(v any) error {
	switch n := v.(type) {
	case nil:
		*t = instant{}
	case int64:
		if n == 0 {
			*t = instant{}
		} else {
			*t = instant(time.UnixMicro(n).UTC())
		}
	default:
		return fmt.Errorf("an instant is a %T", v)
	}
	return nil
}

// A words is a list of strings in a column, as JSON.
type words []string

// Value implements driver.Valuer.
func (l words) Value() (driver.Value, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal([]string(l))
	return string(b), err
}

// Scan implements sql.Scanner; an empty list is nil.
func (l *words) Scan(v any) error {
	*l = nil
	text, _ := v.(string)
	list, ok := plainWords(text)
	if !ok {
		if err := scanJSON(v, &list); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		*l = list
	}
	return nil
}

// plainWords reads a list as Value writes it where nothing in it is escaped, as in most; false of any other.
// Every request reads such lists, of the user's addresses for one.
func plainWords(s string) (list []string, ok bool) {
	if len(s) < len(`[""]`) || !strings.HasPrefix(s, `["`) || !strings.HasSuffix(s, `"]`) || strings.Contains(s, `\`) {
		return nil, false
	}
	list = strings.Split(s[2:len(s)-2], `","`)
	for _, w := range list {
		if strings.Contains(w, `"`) {
			return nil, false
		}
	}
	return list, true
}

// A dict is a map of strings in a column, as JSON.
type dict map[string]string

// Value implements driver.Valuer.
func (d dict) Value() (driver.Value, error) {
	if len(d) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(map[string]string(d))
	return string(b), err
}

// Scan implements sql.Scanner; an empty map is nil.
func (d *dict) Scan(v any) error {
	*d = nil
	var m map[string]string
	if err := scanJSON(v, &m); err != nil {
		return err
	}
	if len(m) > 0 {
		*d = m
	}
	return nil
}

func scanJSON(v, dest any) error {
	var b []byte
	switch s := v.(type) {
	case string:
		b = []byte(s)
	case []byte:
		b = s
	default:
		return fmt.Errorf("a JSON column is a %T", v)
	}
	if string(b) == "[]" || string(b) == "{}" {
		return nil
	}
	return json.Unmarshal(b, dest)
}
