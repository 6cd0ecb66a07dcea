package database

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"coder.internal/api"
)

// useArrays lets arrays of text and of ids be read in one pass. Without it the driver
// works out for each array of each row how to read an element, ids by reflection:
// every request reads five of them to know its caller.
func useArrays(m *pgtype.Map) {
	for _, oid := range []uint32{pgtype.TextArrayOID, pgtype.UUIDArrayOID} {
		if plain, ok := m.TypeForOID(oid); ok {
			m.RegisterType(&pgtype.Type{Name: plain.Name, OID: oid, Codec: arrayCodec{plain.Codec}})
		}
	}
}

// arrayCodec is the codec of text[] and uuid[] columns.
type arrayCodec struct{ pgtype.Codec }

// PlanScan implements pgtype.Codec.
func (c arrayCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if format == pgtype.BinaryFormatCode {
		switch target.(type) {
		case *[]string:
			if oid == pgtype.TextArrayOID {
				return textsScanPlan{}
			}
		case *[]api.ID:
			if oid == pgtype.UUIDArrayOID {
				return idsScanPlan{}
			}
		}
	}
	return c.Codec.PlanScan(m, oid, format, target)
}

type textsScanPlan struct{}

// Scan implements pgtype.ScanPlan.
func (textsScanPlan) Scan(src []byte, target any) error {
	texts, ok := target.(*[]string)
	if !ok {
		return errors.New("not a list of texts")
	}
	return scanArray(src, texts, func(b []byte) (string, error) { return string(b), nil })
}

type idsScanPlan struct{}

// Scan implements pgtype.ScanPlan.
func (idsScanPlan) Scan(src []byte, target any) error {
	ids, ok := target.(*[]api.ID)
	if !ok {
		return errors.New("not a list of ids")
	}
	return scanArray(src, ids, func(b []byte) (id api.ID, err error) {
		if len(b) != len(id) {
			return id, fmt.Errorf("%d bytes for an id", len(b))
		}
		return api.ID(b), nil
	})
}

// The header of an array: the number of dimensions, whether there may be NULLs, the type
// of elements; then size and first index of each dimension.
const (
	arrayHeader    = 12
	arrayDimension = 8
	elementHeader  = 4 // the length
)

// scanArray reads a binary array. NULL is nil, an empty one is not, as in the driver.
// Arrays of several dimensions are read one element after the other.
func scanArray[T any](src []byte, into *[]T, element func([]byte) (T, error)) error {
	if src == nil {
		*into = nil
		return nil
	}
	count, rest, err := arrayCount(src)
	if err != nil {
		return err
	}
	out := make([]T, count)
	for i := range out {
		if len(rest) < elementHeader {
			return fmt.Errorf("array element %d is cut off", i)
		}
		size := int32(binary.BigEndian.Uint32(rest)) //nolint:gosec // -1 is NULL
		rest = rest[elementHeader:]
		if size < 0 {
			return fmt.Errorf("array element %d: cannot scan NULL", i)
		}
		if int(size) > len(rest) {
			return fmt.Errorf("array element %d is cut off", i)
		}
		if out[i], err = element(rest[:size]); err != nil {
			return fmt.Errorf("array element %d: %w", i, err)
		}
		rest = rest[size:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes behind an array", len(rest))
	}
	*into = out
	return nil
}

// arrayCount returns how many elements an array has, never more than rest can hold, and
// the bytes of them.
func arrayCount(src []byte) (count int, rest []byte, err error) {
	if len(src) < arrayHeader {
		return 0, nil, fmt.Errorf("an array of %d bytes", len(src))
	}
	dimensions, rest := int(binary.BigEndian.Uint32(src)), src[arrayHeader:]
	if dimensions == 0 {
		return 0, rest, nil
	}
	if dimensions > len(rest)/arrayDimension {
		return 0, nil, fmt.Errorf("an array of %d dimensions in %d bytes", dimensions, len(src))
	}
	elements := rest[dimensions*arrayDimension:]
	count = 1
	for range dimensions {
		n := int(binary.BigEndian.Uint32(rest))
		if n < 0 || n > 0 && count > len(elements)/elementHeader/n {
			return 0, nil, fmt.Errorf("an array of more elements than %d bytes can hold", len(elements))
		}
		count *= n
		rest = rest[arrayDimension:]
	}
	return count, elements, nil
}
