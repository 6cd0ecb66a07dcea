package coderd

import (
	"context"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/internal/buildinfo"
)

// statsInterval is how old statistics may be.
const statsInterval = 30 * time.Second

// statsCache keeps what one count brought, so that a page that asks often, in many
// browsers, costs one count.
type statsCache struct {
	mu   sync.Mutex
	last api.DeploymentStats
}

// handleStats answers GET /deployment/stats for those who may read it.
func (s *Server) handleStats(ctx context.Context, _ *struct{}) (*httpapi.Out[api.DeploymentStats], error) {
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeDeploymentStats}, "Deployment statistics"); err != nil {
		return nil, err
	}
	if kept, ok := s.stats.fresh(time.Now()); ok {
		return httpapi.OK(kept), nil
	}
	workspaces, err := s.opts.Workspaces.Stats(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	out := api.DeploymentStats{AggregatedFrom: now, CollectedAt: now, NextUpdateAt: now.Add(statsInterval), Workspaces: workspaces}
	s.stats.keep(out)
	return httpapi.OK(out), nil
}

func (c *statsCache) fresh(now time.Time) (api.DeploymentStats, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, now.Before(c.last.NextUpdateAt)
}

func (c *statsCache) keep(s api.DeploymentStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = s
}

// handleEntitlements says that everything may be used.
func (s *Server) handleEntitlements(context.Context, *struct{}) (*httpapi.Out[api.Entitlements], error) {
	features := map[string]api.Feature{}
	for _, name := range api.FeatureNames() {
		features[name] = api.Feature{Entitlement: api.Entitled, Enabled: true}
	}
	// browser_only forbids every other way in; it may be used, and is not.
	features["browser_only"] = api.Feature{Entitlement: api.Entitled}
	return httpapi.OK(api.Entitlements{Features: features, Warnings: []string{}, Errors: []string{}, RefreshedAt: time.Now().UTC()}), nil
}

// handleExperiments lists none: what is not finished is not in a release.
func (s *Server) handleExperiments(context.Context, *struct{}) (*httpapi.Out[[]api.Experiment], error) {
	return httpapi.OK([]api.Experiment{}), nil
}

func (s *Server) handleAppearance(context.Context, *struct{}) (*httpapi.Out[api.Appearance], error) {
	return httpapi.OK(api.Appearance{AnnouncementBanners: []api.Banner{}, SupportLinks: []api.SupportLink{}}), nil
}

func (s *Server) handleUpdateCheck(context.Context, *struct{}) (*httpapi.Out[api.UpdateCheck], error) {
	return httpapi.OK(api.UpdateCheck{Current: true, Version: buildinfo.Version()}), nil
}

// handleRegions lists the primary, which is healthy where it answers.
func (s *Server) handleRegions(context.Context, *struct{}) (*httpapi.Out[api.RegionsResponse], error) {
	d := s.opts.Deployment
	return httpapi.OK(api.RegionsResponse{Regions: []api.DeploymentRegion{{ID: d.ID, Name: "primary", DisplayName: "Primary",
		Healthy: true, PathAppURL: d.AccessURL.String()}}}), nil
}

// handleAppHost says that applications have no hosts of their own yet.
func (s *Server) handleAppHost(context.Context, *struct{}) (*httpapi.Out[api.AppHost], error) {
	return httpapi.OK(api.AppHost{}), nil
}
