package caldav

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// xmlInUTF8 is a document in UTF-8, of which its first bytes say that it is in UTF-16: everybody who reads
// XML understands both (RFC 4918 §19; XML 1.0 §4.3.3 and appendix F). Any other is left as it is.
func xmlInUTF8(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), bytes.HasPrefix(data, []byte{0, '<'}):
		order = binary.BigEndian
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{'<', 0}):
		order = binary.LittleEndian
	default:
		return data
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// declaredEncoding reads a document that names an encoding other than UTF-8. It is in UTF-8 all the same:
// xmlInUTF8 has seen to that, ASCII is, and some libraries write "utf-16" above whatever they send.
func declaredEncoding(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "utf-16", "utf8", "us-ascii", "ascii":
		return r, nil
	}
	return nil, fmt.Errorf("encoding %q is not taken", name)
}
