package externalauth

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
)

// listeners bounds the requests of agents that wait.
type listeners struct {
	all chan struct{}

	mu  sync.Mutex // guards own
	own map[api.ID]int
}

func newListeners() *listeners {
	return &listeners{all: make(chan struct{}, maxListeners), own: map[api.ID]int{}}
}

// enter takes a place for an agent; ok is false when there is none.
func (l *listeners) enter(agent api.ID) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own[agent] >= maxOwnListeners {
		return nil, false
	}
	select {
	case l.all <- struct{}{}:
	default:
		return nil, false
	}
	l.own[agent]++
	return func() {
		<-l.all
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.own[agent]--; l.own[agent] == 0 {
			delete(l.own, agent)
		}
	}, true
}

// ForAgent answers an agent that asks for a token of its workspace's owner, by the
// URL that Git asks about or by the id of a provider. With listen it waits for the
// owner to sign in, agentrpc.ExternalAuthHold seconds at most. An agent with
// api_key_scope no_user_data gets nothing, nor does one whose owner is suspended.
func (s *Service) ForAgent(ctx context.Context, match, id string, listen bool) (agentrpc.ExternalAuthResponse, error) {
	caller := httpmw.AgentFrom(ctx)
	if err := s.mayHave(ctx, caller); err != nil {
		return agentrpc.ExternalAuthResponse{}, err
	}
	p, err := s.asked(match, id)
	if err != nil {
		return agentrpc.ExternalAuthResponse{}, err
	}
	h, _, err := s.checked(ctx, p, caller.OwnerID, false)
	if err == nil && h == nil && listen {
		h, err = s.await(ctx, p, caller)
	}
	if err != nil {
		return agentrpc.ExternalAuthResponse{}, err
	}
	if h == nil {
		return agentrpc.ExternalAuthResponse{Type: p.Type, URL: s.signInURL(p)}, nil
	}
	return agentrpc.ExternalAuthResponse{AccessToken: h.token.Access, TokenExtra: h.token.Extra, Type: p.Type,
		Username: gitName(p.Type), Password: h.token.Access}, nil
}

func (s *Service) mayHave(ctx context.Context, caller httpmw.Agent) error {
	row, err := s.db.GetWorkspaceAgent(ctx, caller.ID)
	if err != nil {
		return fmt.Errorf("load agent %s: %w", caller.ID, err)
	}
	if row.WorkspaceAgent.ApiKeyScope != "all" {
		return &api.Error{Code: api.CodeForbidden, Message: "The template keeps the owner's data from this agent " +
			"(api_key_scope = \"no_user_data\"), so it gets no tokens."}
	}
	owner, err := s.db.GetUser(ctx, caller.OwnerID)
	if err != nil {
		return fmt.Errorf("load owner of workspace %s: %w", caller.WorkspaceID, err)
	}
	if owner.Status == string(api.UserSuspended) {
		return &api.Error{Code: api.CodeForbidden, Message: "The owner of this workspace is suspended. Ask an administrator."}
	}
	return nil
}

// asked returns the provider that an agent means.
func (s *Service) asked(match, id string) (*provider, error) {
	if (match == "") == (id == "") {
		return nil, api.Invalid("match", "give exactly one of match (a URL) and id (a provider)")
	}
	for _, p := range s.providers {
		if id == p.ID || match != "" && p.matches(match) {
			return p, nil
		}
	}
	if id != "" {
		return nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("There is no external authentication provider %q. There are: %s.", clean(id, 64), s.names())}
	}
	return nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("No external authentication provider is for %s.", clean(match, 200))}
}

func (s *Service) names() string {
	if len(s.providers) == 0 {
		return "none"
	}
	return strings.Join(s.IDs(), ", ")
}

// await holds until the owner has signed in.
func (s *Service) await(ctx context.Context, p *provider, caller httpmw.Agent) (*held, error) {
	leave, ok := s.listeners.enter(caller.ID)
	if !ok {
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "Too many requests wait for a sign-in already. Try again later."}
	}
	defer leave()
	sub := s.opts.PubSub.Subscribe(topic(caller.OwnerID))
	defer sub.Close()
	limit := s.opts.Clock.NewTimer(agentrpc.ExternalAuthHold * time.Second)
	defer limit.Stop()
	poll := s.opts.Clock.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		row, err := s.db.GetExternalAuthLink(ctx, database.GetExternalAuthLinkParams{ProviderID: p.ID, UserID: caller.OwnerID})
		if err != nil && !database.IsNotFound(err) {
			return nil, fmt.Errorf("load the sign-in of user %s to %q: %w", caller.OwnerID, p.ID, err)
		}
		if err == nil && p.usable(row.ExternalAuthLink, row.Expired) {
			if h, _, err := s.checked(ctx, p, caller.OwnerID, false); h != nil || err != nil {
				return h, err
			}
		}
		select {
		case <-sub.C():
		case <-poll.C:
		case <-limit.C:
			return nil, &api.Error{Code: api.CodeUnavailable, Message: "The owner of the workspace has not signed in yet. Ask again.", Detail: s.signInURL(p)}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
