package coderd

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// handleConfig answers GET /deployment/config for those who may read it.
func (s *Server) handleConfig(ctx context.Context, _ *struct{}) (*httpapi.Out[api.DeploymentConfig], error) {
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeDeploymentConfig}, "Deployment config"); err != nil {
		return nil, err
	}
	options := s.opts.Deployment.Options
	if options == nil {
		options = []api.DeploymentOption{}
	}
	config := s.opts.Deployment.Config
	if config == nil {
		config = map[string]any{}
	}
	return httpapi.OK(api.DeploymentConfig{Config: config, Options: options}), nil
}
