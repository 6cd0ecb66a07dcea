package devurl

import (
	"context"
	"time"

	"coder.internal/api"
)

// Visitor is what a request shows to be let in. All of it may be empty.
type Visitor struct {
	// Session is the cookie that Redeem made for the origin.
	Session string
	// Token is an API key in the header.
	Token api.Secret
}

// State of what stands behind a name.
type State string

// States. Only what is ready can be reached.
const (
	StateReady    State = "ready"
	StateStopped  State = "stopped"
	StateStarting State = "starting"
	StateAway     State = "away"
	// StateOther is an application that is no web server; Reason says why.
	StateOther State = "other"
	// StateMoved is an old name; Moved has those of today.
	StateMoved State = "moved"
)

// Place is where a target is, for a visitor who may go there.
type Place struct {
	WorkspaceID api.ID
	AgentID     api.ID
	State       State
	Reason      string
	// Link leads to an application that is outside of the workspace.
	Link string
	// Moved are the names that an old one stands for, one or more.
	Moved []Target
	// Address is what the agent connects to, as 127.0.0.1:8080, or the path of a unix
	// socket; TLS is spoken to it.
	Address string
	TLS     bool
	// Base is the path of the application's URL, without a slash at its end, and
	// Query what its first page is asked with.
	Base  string
	Query string
	// CORS is api.CORSSimple or api.CORSPassthru.
	CORS string
	// Names for people.
	Workspace string
	Owner     string
	// UserID is the visitor; zero is nobody.
	UserID   api.ID
	Username string
	// MayUse says that the visitor may use the whole workspace, and MayStart start it.
	MayUse   bool
	MayStart bool
	// Health of the application, as its agent last saw it; empty without a check.
	Health string
}

// same reports whether streams to p may go on once the place is q.
func (p Place) same(q Place) bool {
	return p.AgentID == q.AgentID && p.State == q.State && p.Address == q.Address && p.TLS == q.TLS && p.UserID == q.UserID
}

// From is where a request comes from, for the log of connections.
type From struct {
	IP        string
	UserAgent string
}

// Apps decides about applications. Errors that are a no have a code: not
// authenticated where signing in may help, not found where it will not.
type Apps interface {
	// Place says where a target is, if the visitor may go there now.
	Place(ctx context.Context, v Visit, who Visitor) (Place, error)
	// Redeem takes a ticket once and returns the session that it is worth at the
	// origin. state is what the browser was given when it was sent to sign in.
	Redeem(ctx context.Context, ticket, origin, state string) (session string, lasts time.Duration, err error)
	// Opened records that somebody opens a place, who came from there.
	Opened(ctx context.Context, v Visit, p Place, from From)
	// Used records minutes in which people used applications, and so workspaces. A
	// use may be told more than once; after an error all are.
	Used(ctx context.Context, uses []Use) error
	// Ports lists what listens beside an agent, for those who may use it.
	Ports(ctx context.Context, v Visit, who Visitor) ([]int, error)
}
