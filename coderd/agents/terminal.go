package agents

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// AdmitTerminal lets the caller open a terminal on an agent, and records it. It
// asks for what ssh asks for.
func (s *Service) AdmitTerminal(ctx context.Context, agentID api.ID) error {
	return s.admitClient(ctx, agentID)
}

// MayUseTerminal says whether the caller still may.
func (s *Service) MayUseTerminal(ctx context.Context, agentID api.ID) error {
	_, err := s.load(ctx, agentID, rbac.SSH)
	return err
}
