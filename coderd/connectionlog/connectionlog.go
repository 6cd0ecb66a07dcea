// Package connectionlog records who was connected to which workspace, how, and from
// when to when.
//
// A row begins with Open and ends with Close, each in the caller's transaction. What
// is only an opening, such as that of a web app, has no connection id and no end.
// Rows keep the names that things had. The agent tells of connections that end at
// itself, the server of those that it carries; neither can touch the rows of the
// other. An agent that is gone ends its connections, see CloseLost.
package connectionlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// Service reads the log and keeps it short. Use New.
type Service struct {
	db *database.DB
}

// New returns a Service on db.
func New(db *database.DB) (*Service, error) {
	if db == nil {
		return nil, errors.New("connectionlog: no database given")
	}
	return &Service{db: db}, nil
}

// maxHourly bounds the rows of one workspace in an hour.
const maxHourly = 5000

// maxText bounds foreign text of a row.
const maxText = 512

// Place is the agent that a connection leads to.
type Place struct {
	OrganizationID api.ID
	OwnerID        api.ID
	WorkspaceID    api.ID
	WorkspaceName  string
	AgentID        api.ID
	AgentName      string
}

// Connection is what is known when one begins.
type Connection struct {
	Place
	// ID names a connection that will end; zero for one that is only an opening.
	ID         api.ID
	Type       api.ConnectionType
	IP         string
	UserID     api.ID // zero where nobody knows
	UserAgent  string
	SlugOrPort string
	StatusCode int // zero for none
	// Reopen lets a connection that has ended go on.
	Reopen bool
}

// Open notes a beginning inside q's transaction. first is false for a connection
// that is known already. Too many in one workspace are CodeRateLimited.
func Open(ctx context.Context, q *database.Queries, c Connection) (first bool, err error) {
	n, err := q.CountRecentConnections(ctx, c.WorkspaceID)
	if err != nil {
		return false, fmt.Errorf("count connections of workspace %s: %w", c.WorkspaceID, err)
	}
	if n >= maxHourly {
		return false, &api.Error{Code: api.CodeRateLimited, Message: fmt.Sprintf(
			"This workspace has had %d connections within an hour, which is the limit.", n)}
	}
	p := database.OpenConnectionParams{ID: api.NewID(), OrganizationID: c.OrganizationID, WorkspaceOwnerID: c.OwnerID,
		WorkspaceID: c.WorkspaceID, WorkspaceName: c.WorkspaceName, AgentName: c.AgentName, AgentID: &c.AgentID,
		Type: string(c.Type), Ip: clean(c.IP), UserID: c.UserID, UserAgent: clean(c.UserAgent),
		SlugOrPort: clean(c.SlugOrPort), Reopen: c.Reopen}
	if !c.ID.IsZero() {
		p.ConnectionID = &c.ID
	}
	if c.StatusCode != 0 {
		p.Code = code(c.StatusCode)
	}
	if first, err = q.OpenConnection(ctx, p); err != nil {
		return false, fmt.Errorf("note connection to workspace %s: %w", c.WorkspaceID, err)
	}
	return first, nil
}

// End is what is known when a connection ends. Types are those that the caller may
// speak of.
type End struct {
	ID          api.ID
	WorkspaceID api.ID
	AgentName   string
	UserID      api.ID
	Types       []string
	Reason      string
	ExitCode    *int
}

// Close notes an end inside q's transaction. One that has ended, or is unknown,
// stays as it is.
func Close(ctx context.Context, q *database.Queries, e End) error {
	p := database.CloseConnectionParams{Reason: clean(e.Reason), ConnectionID: e.ID, WorkspaceID: e.WorkspaceID,
		AgentName: e.AgentName, Types: e.Types, UserID: e.UserID}
	if e.ExitCode != nil {
		p.Code = code(*e.ExitCode)
	}
	if _, err := q.CloseConnection(ctx, p); err != nil {
		return fmt.Errorf("note end of a connection to workspace %s: %w", e.WorkspaceID, err)
	}
	return nil
}

// DeleteOld removes at most limit rows that are older than keep, by the clock of
// the database, and returns how many.
func (s *Service) DeleteOld(ctx context.Context, keep time.Duration, limit int32) (int64, error) {
	n, err := s.db.DeleteOldConnectionLogs(ctx, database.DeleteOldConnectionLogsParams{Seconds: keep.Seconds(), MaxRows: limit})
	if err != nil {
		return 0, fmt.Errorf("delete old connections: %w", err)
	}
	return n, nil
}

// CloseLost ends at most limit connections of agents that have been gone for long.
func (s *Service) CloseLost(ctx context.Context, gone time.Duration, limit int32) (int64, error) {
	n, err := s.db.CloseLostConnections(ctx, database.CloseLostConnectionsParams{Seconds: gone.Seconds(), MaxRows: limit})
	if err != nil {
		return 0, fmt.Errorf("end lost connections: %w", err)
	}
	return n, nil
}

func code(n int) *int32 {
	bounded := int32(min(max(n, -1), 1<<31-1)) //nolint:gosec // bounded here
	return &bounded
}

// clean makes foreign text short and storable.
func clean(s string) string {
	return database.Storable(s[:min(len(s), maxText)])
}
