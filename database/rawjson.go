package database

import (
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5/pgtype"
)

// useRawJSON lets JSON columns be read as the text that they are. Without it each value
// goes through a decoder that looks for its end.
func useRawJSON(m *pgtype.Map) {
	plain, ok := m.TypeForOID(pgtype.JSONBOID)
	if !ok {
		return
	}
	m.RegisterType(&pgtype.Type{Name: plain.Name, OID: plain.OID, Codec: rawCodec{plain.Codec}})
}

// rawCodec is the codec of jsonb columns.
type rawCodec struct{ pgtype.Codec }

// PlanScan implements pgtype.Codec.
func (c rawCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*json.RawMessage); ok && format == pgtype.TextFormatCode {
		return rawScanPlan{}
	}
	return c.Codec.PlanScan(m, oid, format, target)
}

type rawScanPlan struct{}

// Scan implements pgtype.ScanPlan.
func (rawScanPlan) Scan(src []byte, target any) error {
	raw, ok := target.(*json.RawMessage)
	switch {
	case !ok:
		return errors.New("not raw json")
	case src == nil:
		*raw = nil
	default:
		// The driver writes the next row over src.
		*raw = append(make(json.RawMessage, 0, len(src)), src...)
	}
	return nil
}
