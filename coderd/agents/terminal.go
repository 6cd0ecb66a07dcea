package agents

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// AdmitTerminal lets the caller open a terminal on an agent. It asks for what ssh
// asks for, and for an agent that can still answer. OpenTerminal records it.
func (s *Service) AdmitTerminal(ctx context.Context, agentID api.ID) error {
	if err := s.MayUseTerminal(ctx, agentID); err != nil {
		return err
	}
	current, err := s.db.IsAgentCurrent(ctx, agentID)
	if err != nil {
		return fmt.Errorf("look at agent %s: %w", agentID, err)
	}
	if !current {
		return api.Conflict("This agent belongs to an earlier build of the workspace; start the workspace and use its new agent.")
	}
	return nil
}

// MayUseTerminal says whether the caller still may.
func (s *Service) MayUseTerminal(ctx context.Context, agentID api.ID) error {
	_, err := s.load(ctx, agentID, rbac.SSH)
	return err
}
