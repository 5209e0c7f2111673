package store

import (
	"math"
	"strings"
	"time"
)

// reachOf sorts objects by the time between their Start and End, so that those which lie in a range
// are a stretch of the index for each sort: one that ends in the range or later began at most its
// reach before it. Sort 0 is of those that are open at an end, or longer than any other. The text is
// that of the index (migrations/00007_ranges.sql): SQLite takes the index for no other.
const reachOf = `(CASE
    WHEN start_at = 0 OR end_at = 0 THEN 0
    WHEN end_at - start_at <= 86400000000 THEN 1
    WHEN end_at - start_at <= 691200000000 THEN 2
    WHEN end_at - start_at <= 2764800000000 THEN 3
    WHEN end_at - start_at <= 11059200000000 THEN 4
    WHEN end_at - start_at <= 44236800000000 THEN 5
    ELSE 0 END)`

// reaches are the longest times of the sorts from 1 on: 1, 8, 32, 128 and 512 days.
var reaches = []int64{86400000000, 691200000000, 2764800000000, 11059200000000, 44236800000000}

// A Range is a time that members are looked for in. A zero From or To leaves that side open; see
// Object.Seasons.
type Range struct {
	From, To time.Time
	Seasons  uint64
}

// inRange makes a query for columns of the members that may have an instance in a range, in no order.
func inRange(columns string, calendarID int64, component string, r Range) (string, []any) {
	lo, hi, seasons := int64(math.MinInt64), int64(math.MaxInt64), int64(-1)
	if !r.From.IsZero() {
		lo = r.From.UnixMicro()
	}
	if !r.To.IsZero() {
		hi = r.To.UnixMicro()
	}
	if r.Seasons != 0 {
		seasons = int64(r.Seasons)
	}
	query, args := `SELECT `+columns+` FROM objects WHERE calendar_id = ?`, []any{calendarID}
	const open = ` AND (start_at = 0 OR start_at <= ?) AND (end_at = 0 OR end_at >= ?)`
	switch {
	case component == "":
		return query + open, append(args, hi, lo)
	case r.From.IsZero() && r.To.IsZero():
		return query + ` AND component = ?`, append(args, component)
	}
	query += ` AND component = ? AND (seasons = 0 OR seasons & ? <> 0) AND ` + reachOf
	var b strings.Builder
	b.WriteString(query + ` = 0` + open)
	args = []any{calendarID, component, seasons, hi, lo}
	for i, reach := range reaches {
		earliest := lo
		if lo >= math.MinInt64+reach {
			earliest = lo - reach
		}
		b.WriteString(` UNION ALL ` + query + ` = ? AND start_at BETWEEN ? AND ? AND end_at >= ?`)
		args = append(args, calendarID, component, seasons, i+1, earliest, hi, lo)
	}
	return b.String(), args
}
