// Package ical reads and edits calendar objects as the bytes that clients sent. An Object knows
// where each content line stands; an Edit changes lines in place and leaves every other byte
// alone. Nothing is decoded and encoded anew. Parsing never panics and takes linear time.
package ical
