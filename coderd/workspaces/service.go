package workspaces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/templates"
	"coder.internal/coderd/users"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

// Options of New. All fields but AllowRenames are required.
type Options struct {
	DB     *database.DB
	PubSub *pubsub.PubSub
	Log    *slog.Logger
	Clock  clock.Clock
	Jobs   *jobs.Queue
	// Templates work parameters out.
	Templates *templates.Service
	// ExternalAuth has the sign-ins of owners.
	ExternalAuth *externalauth.Service
	// Ring seals Terraform states.
	Ring         *keys.Ring
	AccessURL    string
	AllowRenames bool
}

// Service has the rules of workspaces and builds. Use New.
type Service struct {
	opts Options
	db   *database.DB
	log  *slog.Logger
}

// New returns a Service. It starts nothing.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.PubSub == nil || o.Log == nil || o.Clock == nil || o.Jobs == nil || o.Templates == nil || o.Ring == nil ||
		o.ExternalAuth == nil || o.AccessURL == "" {
		return nil, errors.New("workspaces: Options has a field that is not set")
	}
	return &Service{opts: o, db: o.DB, log: o.Log.With("component", "workspaces")}, nil
}

const what = "Workspace"

func objectOf(w database.Workspace) rbac.Object {
	return rbac.Object{Type: rbac.TypeWorkspace, ID: w.ID, OrgID: w.OrganizationID, OwnerID: w.OwnerID, ACL: w.Acl}
}

// load returns the workspace if the caller may do action on it.
func (s *Service) load(ctx context.Context, id api.ID, action rbac.Action) (database.Workspace, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.Workspace{}, err
	}
	w, err := s.db.GetWorkspaceRow(ctx, id)
	if database.IsNotFound(err) {
		return w, api.NotFound(what)
	}
	if err != nil {
		return w, fmt.Errorf("load workspace %s: %w", id, err)
	}
	return w, rbac.Check(ctx, action, objectOf(w), what)
}

// loadLiving is load without deleted workspaces.
func (s *Service) loadLiving(ctx context.Context, id api.ID, action rbac.Action) (database.Workspace, error) {
	w, err := s.load(ctx, id, action)
	if err == nil && w.Deleted {
		return w, api.NotFound(what)
	}
	return w, err
}

// changed announces a change to all who watch the workspace.
func (s *Service) changed(ctx context.Context, q *database.Queries, id api.ID) error {
	return s.opts.PubSub.Publish(ctx, q, pubsub.TopicWorkspace(id))
}

// ByName returns the workspace of an owner. With includeDeleted, the one deleted
// last counts when no living one has the name.
func (s *Service) ByName(ctx context.Context, owner, name string, includeDeleted bool) (api.Workspace, error) {
	w, err := s.rowByName(ctx, owner, name, includeDeleted)
	if err != nil {
		return api.Workspace{}, err
	}
	return s.one(ctx, w.ID)
}

func (s *Service) rowByName(ctx context.Context, owner, name string, includeDeleted bool) (database.Workspace, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.Workspace{}, err
	}
	u, err := users.Lookup(ctx, s.db.Queries, owner)
	if api.CodeOf(err) == api.CodeNotFound {
		return database.Workspace{}, api.NotFound(what)
	}
	if err != nil {
		return database.Workspace{}, err
	}
	w, err := s.db.FindWorkspace(ctx, database.FindWorkspaceParams{OwnerID: u.ID, Name: name, IncludeDeleted: includeDeleted})
	if database.IsNotFound(err) {
		return w, api.NotFound(what)
	}
	if err != nil {
		return w, fmt.Errorf("find workspace: %w", err)
	}
	return w, rbac.Check(ctx, rbac.Read, objectOf(w), what)
}

// Get returns a workspace; deleted ones only on request.
func (s *Service) Get(ctx context.Context, id api.ID, includeDeleted bool) (api.Workspace, error) {
	w, err := s.load(ctx, id, rbac.Read)
	if err != nil {
		return api.Workspace{}, err
	}
	if w.Deleted && !includeDeleted {
		return api.Workspace{}, api.NotFound(what)
	}
	return s.one(ctx, id)
}

// Rename gives a workspace another name where the deployment allows it.
func (s *Service) Rename(ctx context.Context, id api.ID, name string) error {
	w, err := s.loadLiving(ctx, id, rbac.Update)
	if err != nil {
		return err
	}
	if name == "" || name == w.Name {
		return nil
	}
	if !s.opts.AllowRenames {
		return &api.Error{Code: api.CodeForbidden, Message: "Renaming workspaces is switched off. The server option --allow-workspace-renames switches it on."}
	}
	if err := checkName(name); err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		n, err := q.RenameWorkspace(ctx, database.RenameWorkspaceParams{ID: id, Name: name, OldName: w.Name})
		if err != nil {
			return err
		}
		if n == 0 {
			return api.Conflict("The workspace was renamed or deleted meanwhile. Look at it and try again.")
		}
		entry := audit.Entry{Action: audit.Write, ResourceType: "workspace", ResourceID: id, Target: name,
			OrganizationID: w.OrganizationID, StatusCode: http.StatusNoContent,
			Before: map[string]any{"name": w.Name}, After: map[string]any{"name": name}}
		if err := audit.Record(ctx, q, entry); err != nil {
			return err
		}
		return s.changed(ctx, q, id)
	})
	return nameTaken(err, name)
}

// Touch notes that the workspace is in use.
func (s *Service) Touch(ctx context.Context, id api.ID) error {
	if _, err := s.loadLiving(ctx, id, rbac.Update); err != nil {
		return err
	}
	if err := s.db.TouchWorkspace(ctx, id); err != nil {
		return fmt.Errorf("note use of workspace %s: %w", id, err)
	}
	return nil
}

func checkName(name string) error { return httpapi.CheckName("name", name, "new", "create") }

// nameTaken turns the database's word for a duplicate into ours.
func nameTaken(err error, name string) error {
	if database.IsUniqueViolation(err, "workspaces_name") {
		return api.Conflict(fmt.Sprintf("A workspace named %q exists already.", name),
			api.ValidationError{Field: "name", Detail: "this name is taken; choose another one"})
	}
	return err
}
