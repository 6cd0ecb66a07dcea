package workspaces

import (
	"context"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// HandleStateResources answers GET /workspacebuilds/{workspacebuild}/state/resources.
func (s *Service) HandleStateResources(ctx context.Context, in *BuildInput) (*httpapi.Out[[]api.WorkspaceStateResource], error) {
	return httpapi.Reply(s.StateResources(ctx, in.ID))
}

// HandleStrays answers GET /workspacebuilds/{workspacebuild}/strays.
func (s *Service) HandleStrays(ctx context.Context, in *BuildInput) (*httpapi.Out[[]api.WorkspaceBuildStray], error) {
	return httpapi.Reply(s.Strays(ctx, in.ID))
}

// StateHandler serves GET /workspacebuilds/{workspacebuild}/state: the state as
// Terraform wrote it.
func (s *Service) StateHandler(a *httpapi.API) http.Handler {
	return rawState(a, func(r *http.Request) ([]byte, error) {
		id, err := pathID(r, "workspacebuild")
		if err != nil {
			return nil, err
		}
		return s.State(r.Context(), id)
	})
}

// StrayHandler serves GET /workspacebuilds/{workspacebuild}/strays/{stray}/state.
func (s *Service) StrayHandler(a *httpapi.API) http.Handler {
	return rawState(a, func(r *http.Request) ([]byte, error) {
		build, err := pathID(r, "workspacebuild")
		if err != nil {
			return nil, err
		}
		id, err := pathID(r, "stray")
		if err != nil {
			return nil, err
		}
		return s.StrayState(r.Context(), build, id)
	})
}

func rawState(a *httpapi.API, load func(*http.Request) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, err := load(r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(state) // the client is gone: nobody is left to tell
	})
}
