package httpmw

import (
	"context"
	"net/http"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

type keyIDKey struct{}

// KeyID returns the id of the caller's API key, "" when not signed in.
func KeyID(ctx context.Context) string {
	id, _ := ctx.Value(keyIDKey{}).(string)
	return id
}

// Sessions checks session tokens and API keys; auth.Service implements it.
type Sessions interface {
	// Authenticate returns the caller behind token and the key's id, or
	// rbac.ErrUnauthenticated.
	Authenticate(ctx context.Context, token api.Secret) (rbac.Subject, string, error)
}

// Session returns the guard that admits people.
func Session(s Sessions, p Pages) httpapi.Guard {
	return func(r *http.Request) (context.Context, error) {
		token, fromCookie := p.Token(r)
		if token == "" {
			return nil, rbac.ErrUnauthenticated
		}
		if fromCookie {
			if err := p.cookie(r); err != nil {
				return nil, err
			}
		}
		subject, keyID, err := s.Authenticate(r.Context(), token)
		if err != nil {
			return nil, err
		}
		ctx := rbac.WithSubject(r.Context(), subject)
		return context.WithValue(ctx, keyIDKey{}, keyID), nil
	}
}

// Agent is the workspace agent that calls, as found by its token.
type Agent struct {
	ID          api.ID
	Name        string
	BuildID     api.ID
	WorkspaceID api.ID
	OwnerID     api.ID
}

type agentKey struct{}

// AgentFrom returns the calling agent. It panics outside of agent routes, where
// no handler runs without one.
func AgentFrom(ctx context.Context) Agent {
	a, ok := ctx.Value(agentKey{}).(Agent)
	if !ok {
		panic("httpmw: no agent in context")
	}
	return a
}

// Agents checks agent tokens; agents.Service implements it. It may block for as
// long as a build that announced the token runs (agentrpc.HoldTime at most).
type Agents interface {
	AuthenticateAgent(ctx context.Context, token api.Secret) (Agent, error)
}

// AgentToken returns the guard that admits agents.
func AgentToken(s Agents) httpapi.Guard {
	return func(r *http.Request) (context.Context, error) {
		// Agents are no browsers: the header is the only place.
		token := api.Secret(r.Header.Get(api.SessionTokenHeader))
		if token == "" {
			return nil, rbac.ErrUnauthenticated
		}
		a, err := s.AuthenticateAgent(r.Context(), token)
		if err != nil {
			return nil, err
		}
		return context.WithValue(r.Context(), agentKey{}, a), nil
	}
}

// Daemon is what the credential of a provisioner daemon stands for: a key, or the
// pre-shared key, which has no id and fits every organization.
type Daemon struct {
	KeyID          api.ID
	KeyName        string
	OrganizationID api.ID
}

type daemonKey struct{}

// DaemonFrom returns the credential of the calling daemon; ok is false where a
// person runs it.
func DaemonFrom(ctx context.Context) (d Daemon, ok bool) {
	d, ok = ctx.Value(daemonKey{}).(Daemon)
	return d, ok
}

// Daemons checks the keys of provisioner daemons; jobs.Queue implements it.
type Daemons interface {
	// AuthenticateDaemon looks at key, and at psk where key is empty. daemon is
	// who the caller says it is, zero where it says nothing.
	AuthenticateDaemon(ctx context.Context, key, psk api.Secret, daemon api.ID) (Daemon, error)
}

// DaemonCredential returns the guard that admits provisioner daemons: by key or
// pre-shared key where one is sent, else as the person that runs them.
func DaemonCredential(d Daemons, people httpapi.Guard) httpapi.Guard {
	return func(r *http.Request) (context.Context, error) {
		key, psk := api.Secret(r.Header.Get(api.ProvisionerKeyHeader)), api.Secret(r.Header.Get(api.ProvisionerPSKHeader))
		if key == "" && psk == "" {
			return people(r)
		}
		id, _ := api.ParseID(r.URL.Query().Get(jobrpc.ParamDaemonID)) // the route says what is wrong with it
		found, err := d.AuthenticateDaemon(r.Context(), key, psk, id)
		if err != nil {
			return nil, err
		}
		return context.WithValue(r.Context(), daemonKey{}, found), nil
	}
}
