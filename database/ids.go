package database

import (
	"errors"

	"github.com/jackc/pgx/v5/pgtype"

	"coder.internal/api"
)

// useIDs lets ids travel as the 16 bytes that they are. Without it each goes through
// its text, which costs a list of workspaces a tenth of its time.
func useIDs(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{wrapID}, m.TryWrapEncodePlanFuncs...)
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{wrapIDTarget}, m.TryWrapScanPlanFuncs...)
}

func wrapID(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
	id, ok := value.(api.ID)
	return &idEncodePlan{}, idValue(id), ok
}

func wrapIDTarget(target any) (pgtype.WrappedScanPlanNextSetter, any, bool) {
	id, ok := target.(*api.ID)
	return &idScanPlan{}, (*idTarget)(id), ok
}

type idEncodePlan struct{ next pgtype.EncodePlan }

func (p *idEncodePlan) SetNext(next pgtype.EncodePlan) { p.next = next }

// Encode implements pgtype.EncodePlan.
func (p *idEncodePlan) Encode(value any, buf []byte) ([]byte, error) {
	id, ok := value.(api.ID)
	if !ok {
		return nil, errors.New("not an id")
	}
	return p.next.Encode(idValue(id), buf)
}

type idScanPlan struct{ next pgtype.ScanPlan }

func (p *idScanPlan) SetNext(next pgtype.ScanPlan) { p.next = next }

// Scan implements pgtype.ScanPlan.
func (p *idScanPlan) Scan(src []byte, target any) error {
	id, ok := target.(*api.ID)
	if !ok {
		return errors.New("not an id")
	}
	return p.next.Scan(src, (*idTarget)(id))
}

type idValue api.ID

// UUIDValue implements pgtype.UUIDValuer.
func (v idValue) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: v, Valid: true}, nil }

type idTarget api.ID

// ScanUUID implements pgtype.UUIDScanner.
func (t *idTarget) ScanUUID(v pgtype.UUID) error {
	if !v.Valid {
		return errors.New("cannot scan NULL into an id")
	}
	*t = v.Bytes
	return nil
}
