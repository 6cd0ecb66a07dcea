package api

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
)

// ID is a version 4 UUID (RFC 9562 §5.4). Its zero value is "no id".
type ID [16]byte

// NewID returns a random ID. It panics only if the system has no randomness.
func NewID() ID {
	var id ID
	if _, err := rand.Read(id[:]); err != nil {
		panic("api: no randomness: " + err.Error())
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the canonical form 8-4-4-4-12 of hexadecimal digits, in either
// case. Nothing else is accepted: every id has one spelling.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, fmt.Errorf("%q is not a UUID", clip(s))
	}
	packed := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(packed)); err != nil {
		return ID{}, fmt.Errorf("%q is not a UUID", clip(s))
	}
	return id, nil
}

// MustParseID is ParseID for constants; it panics on a malformed one.
func MustParseID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// IsZero reports whether id is "no id". It also makes `omitzero` work.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the canonical lower-case form.
func (id ID) String() string {
	var b [36]byte
	id.put(&b)
	return string(b[:])
}

func (id ID) put(b *[36]byte) {
	hex.Encode(b[0:8], id[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], id[10:16])
}

// MarshalText implements encoding.TextMarshaler. A page of a list has hundreds of
// ids, so it makes the text once.
func (id ID) MarshalText() ([]byte, error) {
	var b [36]byte
	id.put(&b)
	return b[:], nil
}

// UnmarshalText implements encoding.TextUnmarshaler. An empty text is "no id".
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	v, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// Value implements driver.Valuer for uuid columns.
func (id ID) Value() (driver.Value, error) { return id.String(), nil }

// Scan implements sql.Scanner for uuid columns. NULL is an error: scan into *ID.
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return id.UnmarshalText([]byte(v))
	case []byte:
		if len(v) == 16 {
			copy(id[:], v)
			return nil
		}
		return id.UnmarshalText(v)
	case [16]byte:
		*id = v
		return nil
	}
	return fmt.Errorf("scan %T into api.ID", src)
}

// clip keeps foreign text short in messages.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
