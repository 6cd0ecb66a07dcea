package replicas

import (
	"context"

	"coder.internal/api"
)

// Round is what Run does every 5 s.
func (s *Service) Round(ctx context.Context) error { return s.round(ctx) }

// Pending are the ids that Gone is to hear of.
func (s *Service) Pending() []api.ID { return s.gone.list() }

// CheckRelays is what Run does every 15 s.
func (s *Service) CheckRelays(ctx context.Context) { s.checkRelays(ctx) }
