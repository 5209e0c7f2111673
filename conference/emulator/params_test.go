package emulator

import (
	"slices"
	"testing"
)

func TestParseForm(t *testing.T) {
	p, err := parseForm("a=1&b[x][y]=2&c[]=first&c[]=second&d[10]=ten&d[2]=two&name=a+b%26&a=3&&")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		path []string
		want string
	}{{[]string{"a"}, "3"}, {[]string{"b", "x", "y"}, "2"}, {[]string{"name"}, "a b&"}, {[]string{"c", "1"}, "second"}} {
		if got, ok := p.text(row.path...); !ok || got != row.want {
			t.Errorf("%v: got %q %v, want %q", row.path, got, ok, row.want)
		}
	}
	if got := p.texts("d"); !slices.Equal(got, []string{"two", "ten"}) {
		t.Errorf("d: got %v", got)
	}
	if _, ok := p.text("b", "x"); ok {
		t.Error("a branch was read as a value")
	}
	if got := p.unread(); !slices.Equal(got, []string{"c[0]"}) {
		t.Errorf("unread: got %v", got)
	}
}

func TestParseFormRefuses(t *testing.T) {
	for _, s := range []string{"a[=1", "a[b=1", "[a]=1", "=1", "a[b]c=1", "a[b[c]]=1", "a=1&a[b]=2", "a[b]=2&a=1", "%zz=1", "a=%z",
		"a[1][1][1][1][1][1][1][1][1][1]=1"} {
		if _, err := parseForm(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}

func TestParseJSON(t *testing.T) {
	p, err := parseJSON([]byte(`{"a": 1804665600123, "b": {"c": [true, null, "x"]}, "d": null}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := p.text("a"); got != "1804665600123" {
		t.Errorf("a: got %q", got)
	}
	if got, _ := p.text("b", "c", "0"); got != "true" {
		t.Errorf("b.c.0: got %q", got)
	}
	if p.has("d") {
		t.Error("null is a value")
	}
	for _, s := range []string{"", "null", "[]", "{} {}", `"x"`, "{"} {
		if _, err := parseJSON([]byte(s)); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}
