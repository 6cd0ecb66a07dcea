package coderd

import (
	"cmp"
	"context"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/buildinfo"
)

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
		Healthy: true, PathAppURL: cmp.Or(d.PathAppURL, d.AccessURL.String()), WildcardHostname: d.AppHost}}}), nil
}

func (s *Server) handleAppHost(context.Context, *struct{}) (*httpapi.Out[api.AppHost], error) {
	return httpapi.OK(api.AppHost{Host: s.opts.Deployment.AppHost}), nil
}
