package agents

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// statsKeep is how long the figures of the deployment are given out again.
const statsKeep = 10 * time.Second

// HandleDeploymentStats answers GET /deployment/stats.
func (s *Service) HandleDeploymentStats(ctx context.Context, _ *struct{}) (*httpapi.Out[api.DeploymentStats], error) {
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeDeploymentStats}, "Use of deployment"); err != nil {
		return nil, err
	}
	select { // one at a time asks the database
	case <-ctx.Done():
		return nil, ctx.Err()
	case s.statsTurn <- struct{}{}:
	}
	defer func() { <-s.statsTurn }()
	if s.stats != nil && s.opts.Clock.Since(s.statsAt) < statsKeep {
		return httpapi.OK(*s.stats), nil
	}
	r, err := s.db.GetDeploymentStats(ctx)
	if err != nil {
		return nil, fmt.Errorf("count use of deployment: %w", err)
	}
	out := api.DeploymentStats{AggregatedFrom: r.AggregatedFrom, CollectedAt: r.CollectedAt, NextUpdateAt: r.CollectedAt.Add(statsKeep),
		Workspaces: api.WorkspaceDeploymentStats{Pending: r.Pending, Building: r.Building, Running: r.Running, Failed: r.Failed,
			Stopped: r.Stopped, RxBytes: r.RxBytes, TxBytes: r.TxBytes,
			ConnectionLatencyMS: api.ConnectionLatency{P50: r.LatencyP50, P95: r.LatencyP95}},
		SessionCount: api.SessionCounts{VSCode: r.Vscode, SSH: r.Ssh, JetBrains: r.Jetbrains, ReconnectingPTY: r.ReconnectingPty}}
	s.stats, s.statsAt = &out, s.opts.Clock.Now()
	return httpapi.OK(out), nil
}
