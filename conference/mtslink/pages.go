package mtslink

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"strconv"
	"time"

	"joinery/conference"
)

const pagesMost = 1000 // more than this is taken for a list that does not end

// pages reads the list that c asks for, page by page, and calls visit for every entry that has an
// id, once each, until visit returns false. A page of fewer than shortest entries is the last,
// whatever size the service chose, and so is one that has nothing new.
func pages[T any](ctx context.Context, p *Provider, c call, shortest int, ident func(T) id, visit func(T) bool) error {
	c.query = maps.Clone(c.query)
	seen := make(map[id]bool)
	for page := 1; page <= pagesMost; page++ {
		var list []T
		c.query.Set("page", strconv.Itoa(page))
		c.out = &list
		if err := p.do(ctx, c); err != nil {
			return err
		}
		fresh := false
		for _, entry := range list {
			known := ident(entry)
			if known == "" || seen[known] {
				continue
			}
			fresh = true
			seen[known] = true
			if !visit(entry) {
				return nil
			}
		}
		if len(list) < shortest || !fresh {
			return nil
		}
	}
	return &conference.Error{Kind: conference.Temporary, Call: c.name(), Err: errors.New("the list does not end")}
}

// setPeriod asks for what lies between from and to; a zero to means without end. In which zone the
// service reads the two is not published: a day is added on both sides.
func setPeriod(query url.Values, from, to time.Time) {
	const layout = "2006-01-02 15:04:05"
	query.Set("from", from.Add(-24*time.Hour).UTC().Format(layout))
	if !to.IsZero() {
		query.Set("to", to.Add(24*time.Hour).UTC().Format(layout))
	}
}
