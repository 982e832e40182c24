package goapi

import (
	"encoding/hex"
	"errors"
)

// An ID is a UUID.
type ID [16]byte

const idTextLen = 36 // 8-4-4-4-12

var errBadID = errors.New("id is not a UUID in the form 8-4-4-4-12")

// ParseID reads the canonical form only: 32 hexadecimal digits of either case in groups of 8-4-4-4-12. It refuses
// braces, the prefix urn:uuid: and bare digits, which the usual UUID packages let through.
func ParseID(s string) (ID, error) {
	if len(s) != idTextLen || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, errBadID
	}
	var digits [32]byte
	copy(digits[0:], s[0:8])
	copy(digits[8:], s[9:13])
	copy(digits[12:], s[14:18])
	copy(digits[16:], s[19:23])
	copy(digits[20:], s[24:36])

	var id ID
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return ID{}, errBadID
	}
	return id, nil
}

// AppendText appends the canonical form in lower case to b. The error is always nil.
func (id ID) AppendText(b []byte) ([]byte, error) {
	b = hex.AppendEncode(b, id[0:4])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[4:6])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[6:8])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[8:10])
	b = append(b, '-')
	return hex.AppendEncode(b, id[10:16]), nil
}

// MarshalText returns the canonical form in lower case. The error is always nil.
func (id ID) MarshalText() ([]byte, error) {
	return id.AppendText(make([]byte, 0, idTextLen))
}

// String returns the canonical form in lower case.
func (id ID) String() string {
	text, _ := id.MarshalText()
	return string(text)
}
