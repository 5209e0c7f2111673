package store

import (
	"encoding/json"
	"slices"
	"testing"
)

// What is read of a list is what JSON says of it, however it is written.
func TestWordsScan(t *testing.T) {
	for _, s := range []string{
		`[]`, `null`, `[""]`, `["a"]`, `["",""]`, `["anna@example.org","a.ivanova@example.org"]`, `["a", "b"]`, ` ["a"] `, `["a,b","c"]`,
		`["a\"b","c"]`, `["a\",\"b"]`, `["\u003ca\u003e"]`, `["имя"]`, `["a","b\\"]`, `["a""b"]`, `["a","b"`, `["a",1]`, `["]`, `"a"`, `[["a"]]`, ``,
	} {
		var want []string
		wantErr := json.Unmarshal([]byte(s), &want)
		if len(want) == 0 || wantErr != nil {
			want = nil
		}
		for _, v := range []any{s, []byte(s)} {
			var got words
			if err := got.Scan(v); (err != nil) != (wantErr != nil) || !slices.Equal(got, want) {
				t.Errorf("%T %s is read as %q (%v), want %q (%v)", v, s, []string(got), err, want, wantErr)
			}
		}
	}
	for _, list := range []words{nil, {"a"}, {`"`, `","`, `\`}, {"", ""}, {"<a@b>", "имя"}} {
		v, err := list.Value()
		if err != nil {
			t.Fatal(err)
		}
		var got words
		if err := got.Scan(v); err != nil || !slices.Equal(got, list) {
			t.Errorf("%q comes back as %q (%v)", []string(list), []string(got), err)
		}
	}
}
