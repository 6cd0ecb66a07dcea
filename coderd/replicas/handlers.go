package replicas

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// HandleList answers GET /replicas.
func (s *Service) HandleList(ctx context.Context, _ *struct{}) (*httpapi.Out[[]api.Replica], error) {
	return httpapi.Reply(s.List(ctx))
}

// List returns the replicas that live, then those that stopped within the last hour.
func (s *Service) List(ctx context.Context) ([]api.Replica, error) {
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeReplicas}, "Replicas"); err != nil {
		return nil, err
	}
	rows, err := s.opts.DB.ListReplicas(ctx)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	out := make([]api.Replica, 0, len(rows))
	for _, r := range rows {
		out = append(out, api.Replica{ID: r.ID, Hostname: r.Hostname, CreatedAt: r.CreatedAt, RelayAddress: r.RelayUrl, RegionID: int(r.RegionID),
			Error: r.Error, DatabaseLatency: int64(r.DatabaseLatencyUs), Version: r.Version, UpdatedAt: r.UpdatedAt, StoppedAt: r.StoppedAt,
			Latencies: decodeLatencies(r.Latencies)})
	}
	return out, nil
}
