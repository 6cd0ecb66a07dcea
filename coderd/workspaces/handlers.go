package workspaces

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// Inputs of the routes.
type (
	// CreateInput makes a workspace for a user.
	CreateInput struct {
		User string `path:"user"`
		Body api.CreateWorkspaceRequest
	}
	// CreateInOrgInput is CreateInput of the older route.
	CreateInOrgInput struct {
		Organization string `path:"organization"`
		User         string `path:"user"`
		Body         api.CreateWorkspaceRequest
	}
	// ListInput searches.
	ListInput struct {
		httpapi.Page
		Query string `query:"q"`
	}
	// GetInput names a workspace by id.
	GetInput struct {
		ID             api.ID `path:"workspace"`
		IncludeDeleted bool   `query:"include_deleted"`
	}
	// ByNameInput names a workspace by owner and name.
	ByNameInput struct {
		User           string `path:"user"`
		Name           string `path:"workspacename"`
		IncludeDeleted bool   `query:"include_deleted"`
	}
	// RenameInput changes a workspace.
	RenameInput struct {
		ID   api.ID `path:"workspace"`
		Body api.UpdateWorkspaceRequest
	}
	// WorkspaceInput names a workspace by id.
	WorkspaceInput struct {
		ID api.ID `path:"workspace"`
	}
	// BuildsInput lists builds.
	BuildsInput struct {
		httpapi.Page
		ID    api.ID `path:"workspace"`
		Since string `query:"since"`
	}
	// CreateBuildInput starts a build.
	CreateBuildInput struct {
		ID   api.ID `path:"workspace"`
		Body api.CreateWorkspaceBuildRequest
	}
	// BuildByNumberInput names a build by its number.
	BuildByNumberInput struct {
		User   string `path:"user"`
		Name   string `path:"workspacename"`
		Number int32  `path:"buildnumber" minimum:"1"`
	}
	// BuildInput names a build by id.
	BuildInput struct {
		ID api.ID `path:"workspacebuild"`
	}
	// CancelInput cancels a build.
	CancelInput struct {
		ID     api.ID `path:"workspacebuild"`
		Expect string `query:"expect_status"`
		Force  bool   `query:"force" doc:"Kill the build's processes at once instead of asking them to end."`
	}
	// SetStateInput replaces a state.
	SetStateInput struct {
		ID   api.ID `path:"workspacebuild"`
		Body api.UpdateWorkspaceBuildStateRequest
	}
)

// HandleCreate answers POST /users/{user}/workspaces.
func (s *Service) HandleCreate(ctx context.Context, in *CreateInput) (*httpapi.Out[api.Workspace], error) {
	return httpapi.Reply(s.Create(ctx, in.User, api.ID{}, in.Body))
}

// HandleCreateInOrg answers POST /organizations/{organization}/members/{user}/workspaces.
func (s *Service) HandleCreateInOrg(ctx context.Context, in *CreateInOrgInput) (*httpapi.Out[api.Workspace], error) {
	return httpapi.Reply(s.CreateIn(ctx, in.Organization, in.User, in.Body))
}

// HandleList answers GET /workspaces.
func (s *Service) HandleList(ctx context.Context, in *ListInput) (*httpapi.Out[api.WorkspacesResponse], error) {
	return httpapi.Reply(s.List(ctx, in.Query, in.Rows(), int32(in.Offset))) //nolint:gosec // bounded by its tag
}

// HandleGet answers GET /workspaces/{workspace}.
func (s *Service) HandleGet(ctx context.Context, in *GetInput) (*httpapi.Out[api.Workspace], error) {
	return httpapi.Reply(s.Get(ctx, in.ID, in.IncludeDeleted))
}

// HandleByName answers GET /users/{user}/workspace/{workspacename}.
func (s *Service) HandleByName(ctx context.Context, in *ByNameInput) (*httpapi.Out[api.Workspace], error) {
	return httpapi.Reply(s.ByName(ctx, in.User, in.Name, in.IncludeDeleted))
}

// HandleRename answers PATCH /workspaces/{workspace}.
func (s *Service) HandleRename(ctx context.Context, in *RenameInput) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.Rename(ctx, in.ID, in.Body.Name)
}

// HandleUsage answers POST /workspaces/{workspace}/usage.
func (s *Service) HandleUsage(ctx context.Context, in *WorkspaceInput) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.Touch(ctx, in.ID)
}

// HandleBuilds answers GET /workspaces/{workspace}/builds.
func (s *Service) HandleBuilds(ctx context.Context, in *BuildsInput) (*httpapi.Out[[]api.WorkspaceBuild], error) {
	after, err := in.After()
	if err != nil {
		return nil, err
	}
	var since *time.Time
	if in.Since != "" {
		t, err := time.Parse(time.RFC3339, in.Since)
		if err != nil {
			return nil, api.Invalid("since", "use a time like 2026-01-31T15:04:05Z")
		}
		since = &t
	}
	return httpapi.Reply(s.Builds(ctx, in.ID, after, since, in.Rows(), int32(in.Offset))) //nolint:gosec // bounded by its tag
}

// HandleCreateBuild answers POST /workspaces/{workspace}/builds.
func (s *Service) HandleCreateBuild(ctx context.Context, in *CreateBuildInput) (*httpapi.Out[api.WorkspaceBuild], error) {
	return httpapi.Reply(s.CreateBuild(ctx, in.ID, in.Body))
}

// HandleBuildByNumber answers GET /users/{user}/workspace/{workspacename}/builds/{buildnumber}.
func (s *Service) HandleBuildByNumber(ctx context.Context, in *BuildByNumberInput) (*httpapi.Out[api.WorkspaceBuild], error) {
	return httpapi.Reply(s.BuildByNumber(ctx, in.User, in.Name, in.Number))
}

// HandleBuild answers GET /workspacebuilds/{workspacebuild}.
func (s *Service) HandleBuild(ctx context.Context, in *BuildInput) (*httpapi.Out[api.WorkspaceBuild], error) {
	return httpapi.Reply(s.Build(ctx, in.ID))
}

// HandleCancel answers PATCH /workspacebuilds/{workspacebuild}/cancel.
func (s *Service) HandleCancel(ctx context.Context, in *CancelInput) (*httpapi.Out[api.Response], error) {
	err := s.Cancel(ctx, in.ID, in.Expect, in.Force)
	return httpapi.OK(api.Response{Message: "Job has been marked as canceled."}), err
}

// HandleParameters answers GET /workspacebuilds/{workspacebuild}/parameters.
func (s *Service) HandleParameters(ctx context.Context, in *BuildInput) (*httpapi.Out[[]api.ParameterValue], error) {
	return httpapi.Reply(s.Parameters(ctx, in.ID))
}

// HandleResources answers GET /workspacebuilds/{workspacebuild}/resources.
func (s *Service) HandleResources(ctx context.Context, in *BuildInput) (*httpapi.Out[[]api.WorkspaceResource], error) {
	b, err := s.Build(ctx, in.ID)
	return httpapi.OK(b.Resources), err
}

// HandleTimings answers GET /workspacebuilds/{workspacebuild}/timings.
func (s *Service) HandleTimings(ctx context.Context, in *BuildInput) (*httpapi.Out[api.WorkspaceBuildTimings], error) {
	return httpapi.Reply(s.Timings(ctx, in.ID))
}

// HandleSetState answers PUT /workspacebuilds/{workspacebuild}/state.
func (s *Service) HandleSetState(ctx context.Context, in *SetStateInput) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.SetState(ctx, in.ID, in.Body)
}

// LogsHandler serves GET /workspacebuilds/{workspacebuild}/logs.
func (s *Service) LogsHandler(a *httpapi.API) http.Handler {
	if s == nil {
		return http.NotFoundHandler() // only described, never served
	}
	return s.opts.Jobs.LogsHandler(a, func(ctx context.Context, r *http.Request) (api.ID, error) {
		id, err := pathID(r, "workspacebuild")
		if err != nil {
			return api.ID{}, err
		}
		b, _, err := s.loadBuild(ctx, id, rbac.Read)
		return b.JobID, err
	})
}

// pathID reads an id of a raw route.
func pathID(r *http.Request, name string) (api.ID, error) {
	id, err := api.ParseID(chi.URLParam(r, name))
	if err != nil {
		return api.ID{}, api.Invalid(name, err.Error())
	}
	return id, nil
}
