package coderd

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/database"
	"coder.internal/internal/buildinfo"
)

// DeploymentID returns the id that all replicas on db share; the first caller
// makes it.
func DeploymentID(ctx context.Context, db *database.DB) (api.ID, error) {
	text, err := db.PutSiteConfigOnce(ctx, database.PutSiteConfigOnceParams{Key: "deployment_id", Value: api.NewID().String()})
	if database.IsNotFound(err) {
		// Another replica put its own between the two halves of the statement.
		text, err = db.GetSiteConfig(ctx, "deployment_id")
	}
	if err != nil {
		return api.ID{}, fmt.Errorf("load deployment id: %w", err)
	}
	id, err := api.ParseID(text)
	if err != nil {
		return api.ID{}, fmt.Errorf("load deployment id: %w", err)
	}
	return id, nil
}

// handleHealthz says that the process serves requests, nothing more.
func handleHealthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "OK") // the client is gone: nobody is left to tell
}

func (s *Server) handleRoot(context.Context, *struct{}) (*httpapi.Out[api.Response], error) {
	return httpapi.OK(api.Response{Message: "👋"}), nil
}

func (s *Server) handleBuildInfo(context.Context, *struct{}) (*httpapi.Out[api.BuildInfo], error) {
	d := s.opts.Deployment
	return httpapi.OK(api.BuildInfo{
		ExternalURL:           d.AccessURL.String(),
		Version:               buildinfo.Version(),
		DashboardURL:          d.AccessURL.String(),
		AgentAPIVersion:       buildinfo.AgentAPIVersion,
		ProvisionerAPIVersion: buildinfo.ProvisionerAPIVersion,
		DeploymentID:          d.ID.String(),
	}), nil
}

func (s *Server) handleSSHConfig(context.Context, *struct{}) (*httpapi.Out[api.SSHConfig], error) {
	d := s.opts.Deployment
	options := d.SSHConfigOptions
	if options == nil {
		options = map[string]string{}
	}
	return httpapi.OK(api.SSHConfig{
		HostnamePrefix: d.SSHHostnamePrefix, HostnameSuffix: d.SSHHostnameSuffix, SSHConfigOptions: options,
	}), nil
}
