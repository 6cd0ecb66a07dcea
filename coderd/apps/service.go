// Package apps decides about applications in browsers: where one is, who may open
// it, and how a browser proves on the host of an application who is signed in.
//
// It owns the shares of ports, the keys that sign tickets and sessions of
// applications, and the pages that lead there: signing in, starting a workspace. It
// carries no traffic (devurl) and knows no path to an agent.
//
// A sign-in goes: a page of an application without a session → auth-redirect on the
// origin of the API, where the person is known → a ticket in the URL, good for a
// minute, once, for one origin and one browser → a session in a cookie of that
// origin. A session is good for nothing but applications, and only while the key
// that it came from is.
package apps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/connectionlog"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/workspaces"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

// Options of New. All but the switches are required.
type Options struct {
	DB         *database.DB
	PubSub     *pubsub.PubSub
	Log        *slog.Logger
	Clock      clock.Clock
	Ring       *keys.Ring
	Auth       *auth.Service
	Agents     *agents.Service
	Workspaces *workspaces.Service
	Sites      devurl.Sites
	// DisablePathApps refuses the path form.
	DisablePathApps bool
	// AllowPathSharing lets levels of sharing count in the path form, and
	// AllowPathOwners lets owners of the deployment in there.
	AllowPathSharing bool
	AllowPathOwners  bool
}

// Service decides about applications. Use New. It starts nothing.
type Service struct {
	opts   Options
	db     *database.DB
	log    *slog.Logger
	signer *keys.Signer
}

// New returns a Service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.PubSub == nil || o.Log == nil || o.Clock == nil || o.Ring == nil || o.Auth == nil || o.Agents == nil || o.Workspaces == nil {
		return nil, errors.New("apps: Options has a field that is not set")
	}
	if err := o.Sites.Validate(); err != nil {
		return nil, fmt.Errorf("apps: %w", err)
	}
	signer, err := keys.NewSigner(o.DB, o.Ring, o.Log, o.Clock, "applications")
	if err != nil {
		return nil, err
	}
	return &Service{opts: o, db: o.DB, log: o.Log.With("component", "apps"), signer: signer}, nil
}

// noteTimeout bounds what is written beside a request.
const noteTimeout = 5 * time.Second

// Opened implements devurl.Apps. A log that is full, or does not answer, keeps
// nobody out: it says so in the server's own.
func (s *Service) Opened(ctx context.Context, v devurl.Visit, p devurl.Place, from devurl.From) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	err := s.db.InTx(ctx, func(q *database.Queries) error {
		w, err := q.GetWorkspaceRow(ctx, p.WorkspaceID)
		if err != nil {
			return fmt.Errorf("load workspace %s: %w", p.WorkspaceID, err)
		}
		kind := api.ConnectionWorkspaceApp
		if v.Port != 0 {
			kind = api.ConnectionPortForwarding
		}
		_, err = connectionlog.Open(ctx, q, connectionlog.Connection{Place: connectionlog.Place{OrganizationID: w.OrganizationID,
			OwnerID: w.OwnerID, WorkspaceID: w.ID, WorkspaceName: w.Name, AgentID: p.AgentID, AgentName: v.Agent},
			Type: kind, IP: from.IP, UserID: p.UserID, UserAgent: from.UserAgent, SlugOrPort: v.App(), StatusCode: 200})
		return err
	})
	if err != nil && api.CodeOf(err) != api.CodeRateLimited {
		s.log.Warn("opening of an application not noted", "workspace_id", p.WorkspaceID.String(), "error", err)
	}
}
