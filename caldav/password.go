package caldav

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a password hash: 19 MiB, two passes, one lane.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
)

// HashPassword returns the encoded argon2id hash of a password, with a salt from rand. It takes
// some 20 MiB and some tens of milliseconds.
func HashPassword(password string, rand io.Reader) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", fmt.Errorf("reading a salt: %w", err)
	}
	return encodeHash(password, salt, argonMemory, argonTime, argonThreads), nil
}

// VerifyPassword tells whether password is the one that hash was made of. A hash that cannot be
// read matches nothing.
func VerifyPassword(hash, password string) bool {
	h, ok := decodeHash(hash)
	if !ok {
		return false
	}
	got := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(got, h.key) == 1
}

func encodeHash(password string, salt []byte, memory, time uint32, threads uint8) string {
	return argonHash{memory, time, threads, salt, argon2.IDKey([]byte(password), salt, time, memory, threads, argonKey)}.encode()
}

type argonHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// encode writes the PHC form.
func (h argonHash) encode() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// decodeHash reads the PHC form and refuses costs that nobody of ours would have set.
func decodeHash(s string) (argonHash, bool) {
	var h argonHash
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, false
	}
	if h.memory == 0 || h.memory > 256*1024 || h.time == 0 || h.time > 16 || h.threads == 0 || h.threads > 16 {
		return h, false
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil || len(h.salt) < 8 {
		return h, false
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return h, false
	}
	return h, true
}
