package httpapi

import (
	"coder.internal/api"
)

// Page is embedded in the input of list endpoints. The reference pages by limit
// and offset or by after_id; lists of ours accept all three.
type Page struct {
	Limit   int    `query:"limit" minimum:"0" maximum:"1000" doc:"Most rows to return; 0 means the default."`
	Offset  int    `query:"offset" minimum:"0" maximum:"1000000"`
	AfterID string `query:"after_id"`
}

// DefaultLimit is the page size when the client names none.
const DefaultLimit = 100

// Rows returns the page size.
func (p Page) Rows() int32 {
	if p.Limit <= 0 {
		return DefaultLimit
	}
	return int32(p.Limit) //nolint:gosec // bounded by the tag above
}

// After returns the id to continue after; zero for the first page.
func (p Page) After() (api.ID, error) {
	if p.AfterID == "" {
		return api.ID{}, nil
	}
	id, err := api.ParseID(p.AfterID)
	if err != nil {
		return api.ID{}, api.Invalid("after_id", err.Error())
	}
	return id, nil
}
