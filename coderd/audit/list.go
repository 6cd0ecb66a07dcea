package audit

import (
	"errors"

	"coder.internal/database"
)

// Service reads the log. Use NewService.
type Service struct {
	db *database.DB
}

// NewService returns a Service on db.
func NewService(db *database.DB) (*Service, error) {
	if db == nil {
		return nil, errors.New("audit: no database given")
	}
	return &Service{db: db}, nil
}
