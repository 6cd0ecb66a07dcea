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

// AppCommand returns the command of an app of an agent. It asks for the right to
// terminals, whoever the app is shared with: a program in a terminal mostly is a way
// to all of the workspace.
func (s *Service) AppCommand(ctx context.Context, agentID api.ID, slug string) (string, error) {
	if err := s.MayUseTerminal(ctx, agentID); err != nil {
		return "", err
	}
	apps, err := s.db.ListWorkspaceApps(ctx, []api.ID{agentID})
	if err != nil {
		return "", fmt.Errorf("list apps of agent %s: %w", agentID, err)
	}
	for _, a := range apps {
		if a.Slug != slug {
			continue
		}
		app, err := convertApp(a)
		if err != nil {
			return "", err
		}
		if app.Command == "" {
			return "", api.Invalid("app", "this app is none that runs a command in a terminal.")
		}
		return app.Command, nil
	}
	return "", api.NotFound("App")
}
