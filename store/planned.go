package store

import "strings"

// planned is a query as SQLite is to plan it: once, not at each use. SQLite plans a statement anew
// where it has taken parameters' values into account and they have changed
// (https://www.sqlite.org/c3ref/prepare.html, "sqlite3_prepare_v2"), and it takes them into account
// wherever a column may be compared with one outside an index, or one is a LIMIT, which is in most lists;
// that the driver clears them after each use is a change. A plus does nothing to a value
// (https://www.sqlite.org/lang_expr.html §2) but keeps it out of the plan.
func (s *Store) planned(query string) string {
	if p, ok := s.plans.Load(query); ok {
		return p.(string)
	}
	p := query
	if strings.HasPrefix(query, "SELECT ") {
		p = strings.ReplaceAll(query, "?", "+?")
	}
	s.plans.Store(query, p)
	return p
}
