package externalauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// held is a link that has a token, now.
type held struct {
	link  database.GetExternalAuthLinkRow
	token token
}

// refreshWait bounds how long one waits for another who refreshes the same token,
// and what asking for a token may take.
const refreshWait = providerTimeout + 2*time.Second

// current returns the token of a user, refreshed where its time has come, and nil
// when there is none that is good. It may ask the provider. The error of a provider
// that is down is api.CodeUnavailable; a token that still lives is returned all the
// same.
func (s *Service) current(ctx context.Context, p *provider, user api.ID) (*held, error) {
	sub := s.opts.PubSub.Subscribe(topic(user))
	defer sub.Close()
	limit := s.opts.Clock.NewTimer(refreshWait)
	defer limit.Stop()
	poll := s.opts.Clock.NewTicker(pollEvery)
	defer poll.Stop()
	for renewed := false; ; {
		row, err := s.db.GetExternalAuthLink(ctx, database.GetExternalAuthLinkParams{ProviderID: p.ID, UserID: user})
		if database.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("load the sign-in of user %s to %q: %w", user, p.ID, err)
		}
		if !p.usable(row.ExternalAuthLink, row.Expired) {
			return nil, nil
		}
		if !row.Due || !row.ExternalAuthLink.HasRefresh || p.NoRefresh || renewed && !row.Expired {
			return s.hold(row)
		}
		if renewed {
			return nil, &api.Error{Code: api.CodeUnavailable, Message: p.DisplayName + " gives tokens that expire at once. Ask an administrator to look at its configuration."}
		}
		done, err := s.renew(ctx, p, row)
		switch {
		case err != nil && row.Expired:
			return nil, err
		case err != nil || !done && !row.Expired:
			return s.hold(row)
		case done:
			renewed = true
			continue
		}
		select { // somebody else refreshes it
		case <-sub.C():
		case <-poll.C:
		case <-limit.C:
			return nil, &api.Error{Code: api.CodeUnavailable, Message: "Another request is refreshing the sign-in to " + p.DisplayName + ". Try again."}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Service) hold(row database.GetExternalAuthLinkRow) (*held, error) {
	t, err := s.open(row.ExternalAuthLink)
	if err != nil {
		return nil, err
	}
	return &held{row, t}, nil
}

// over are the words by which providers say that a refresh token is not good.
var over = []string{"invalid_grant", "bad_refresh_token", "invalid_refresh_token", "token_expired", "token_revoked"}

// renew refreshes the token of row unless somebody else does (false). A refusal for
// good is a success: it is stored. Whoever has asked the provider also stores the
// answer, also when ctx is over: the old refresh token may not work again.
func (s *Service) renew(ctx context.Context, p *provider, row database.GetExternalAuthLinkRow) (bool, error) {
	l := row.ExternalAuthLink
	n, err := s.db.ClaimExternalAuthRefresh(ctx, database.ClaimExternalAuthRefreshParams{ProviderID: p.ID, UserID: l.UserID, Version: l.Version})
	if err != nil {
		return false, fmt.Errorf("claim the sign-in of user %s to %q: %w", l.UserID, p.ID, err)
	}
	if n == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWait)
	defer cancel()
	old, err := s.open(l)
	if err != nil {
		return false, err
	}
	fresh, err := s.refresh(ctx, p, old)
	var r *refusal
	if errors.As(err, &r) && slices.Contains(over, r.code) {
		err = s.db.FailExternalAuthRefresh(ctx, database.FailExternalAuthRefreshParams{ProviderID: p.ID, UserID: l.UserID, Version: l.Version,
			Failure: p.DisplayName + " does not refresh the sign-in any more: " + r.Error()})
	} else if err != nil {
		s.log.Warn("external authentication provider did not refresh a token", "provider", p.ID, "error", err)
		rerr := s.db.ReleaseExternalAuthRefresh(ctx, database.ReleaseExternalAuthRefreshParams{ProviderID: p.ID, UserID: l.UserID, Version: l.Version})
		if rerr != nil {
			return false, fmt.Errorf("release the sign-in of user %s to %q: %w", l.UserID, p.ID, rerr)
		}
		return false, p.unavailable(err)
	} else {
		err = s.storeRefreshed(ctx, p, l, old, fresh)
	}
	if err != nil {
		return false, fmt.Errorf("store the refreshed sign-in of user %s to %q: %w", l.UserID, p.ID, err)
	}
	return true, nil
}

func (s *Service) storeRefreshed(ctx context.Context, p *provider, l database.ExternalAuthLink, old, t token) error {
	if t.Extra == nil {
		t.Extra = old.Extra
	}
	sealed, err := s.seal(t)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		_, err := q.SetExternalAuthToken(ctx, database.SetExternalAuthTokenParams{ProviderID: p.ID, UserID: l.UserID, Version: l.Version,
			Token: sealed, HasRefresh: t.Refresh != "", Life: t.life, Fresh: t.fresh()})
		if err != nil {
			return err
		}
		return s.opts.PubSub.Publish(ctx, q, topic(l.UserID))
	})
}

// checked is current, asked of the provider where nobody has lately. What it says
// of the account is returned where it was asked.
func (s *Service) checked(ctx context.Context, p *provider, user api.ID, always bool) (*held, *api.ExternalAuthUser, error) {
	h, err := s.current(ctx, p, user)
	if h == nil || err != nil || p.ValidateURL == "" || h.link.Validated && !always {
		return h, nil, err
	}
	good, account, err := s.validate(ctx, p, h.token.Access)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		s.log.Warn("external authentication provider did not validate a token", "provider", p.ID, "error", err)
		return h, nil, nil
	}
	l := h.link.ExternalAuthLink
	if !good && l.HasRefresh && !p.NoRefresh {
		done, err := s.renew(ctx, p, h.link)
		if err != nil {
			return nil, nil, err
		}
		if again, err := s.current(ctx, p, user); !done || err != nil || again == nil || again.link.ExternalAuthLink.Version != l.Version {
			return again, nil, err
		}
	}
	err = s.db.SetExternalAuthValidated(ctx, database.SetExternalAuthValidatedParams{ProviderID: p.ID, UserID: user, Version: l.Version,
		Invalid: !good, Failure: p.DisplayName + " does not accept the sign-in any more."})
	if err != nil {
		return nil, nil, fmt.Errorf("store the validation of the sign-in of user %s to %q: %w", user, p.ID, err)
	}
	if !good {
		return nil, nil, nil
	}
	return h, account, nil
}

// Asked reads what a template version asks for, as imports store it.
func Asked(stored []byte) ([]jobrpc.ExternalAuth, error) {
	var out []jobrpc.ExternalAuth
	if err := json.Unmarshal(stored, &out); err != nil {
		return nil, fmt.Errorf("decode external authentication of template version: %w", err)
	}
	return out, nil
}

// Require refuses a build whose template needs a sign-in that its owner does not
// have. It asks the database alone and may run in a transaction. other says that
// somebody else than the owner asks.
func (s *Service) Require(ctx context.Context, q *database.Queries, owner api.ID, other bool, asked []jobrpc.ExternalAuth) error {
	for _, a := range asked {
		if a.Optional {
			continue
		}
		p := s.provider(a.ID)
		if p == nil {
			return absent(a.ID)
		}
		row, err := q.GetExternalAuthLink(ctx, database.GetExternalAuthLinkParams{ProviderID: p.ID, UserID: owner})
		if err != nil && !database.IsNotFound(err) {
			return fmt.Errorf("load the sign-in of user %s to %q: %w", owner, p.ID, err)
		}
		if err != nil || !p.usable(row.ExternalAuthLink, row.Expired) {
			return s.missing(p, other)
		}
	}
	return nil
}

func absent(id string) error {
	return api.Invalid("external_auth", fmt.Sprintf("the template needs the external authentication provider %q, which this server does not have. Ask an administrator to configure it (CODER_EXTERNAL_AUTH_0_ID=%s).", clean(id, 64), clean(id, 64)))
}

// missing says where to sign in.
func (s *Service) missing(p *provider, other bool) error {
	who := "Sign in"
	if other {
		who = "The owner of the workspace has to sign in"
	}
	return &api.Error{Code: api.CodeInvalid,
		Message:     fmt.Sprintf("This template needs a sign-in to %s. %s at %s and try again.", p.DisplayName, who, s.signInURL(p)),
		Validations: []api.ValidationError{{Field: "external_auth", Detail: p.ID}}}
}

// Fill gets the tokens that a build may use. Only the start of a workspace needs
// those that are not optional; without one it fails. It asks providers, so it does
// not run in a transaction.
func (s *Service) Fill(ctx context.Context, owner api.ID, start bool, asked []jobrpc.ExternalAuthToken) error {
	for i, a := range asked {
		needed := start && !a.Optional
		p := s.provider(a.ID)
		if p == nil && needed {
			return absent(a.ID)
		}
		if p == nil {
			continue
		}
		h, _, err := s.checked(ctx, p, owner, false)
		if needed && err != nil {
			return err
		}
		if needed && h == nil {
			return s.missing(p, false)
		}
		if err == nil && h != nil {
			asked[i].AccessToken = h.token.Access
		}
	}
	return nil
}

// Describe says of each provider that a version asks for whether user is signed in.
// It asks the database alone.
func (s *Service) Describe(ctx context.Context, user api.ID, asked []jobrpc.ExternalAuth) ([]api.TemplateVersionExternalAuth, error) {
	out := make([]api.TemplateVersionExternalAuth, len(asked))
	for i, a := range asked {
		out[i] = api.TemplateVersionExternalAuth{ID: a.ID, DisplayName: a.ID, Optional: a.Optional}
		p := s.provider(a.ID)
		if p == nil {
			continue
		}
		out[i].Type, out[i].DisplayName, out[i].DisplayIcon, out[i].AuthenticateURL = p.Type, p.DisplayName, p.DisplayIcon, s.signInURL(p)
		row, err := s.db.GetExternalAuthLink(ctx, database.GetExternalAuthLinkParams{ProviderID: p.ID, UserID: user})
		if err != nil && !database.IsNotFound(err) {
			return nil, fmt.Errorf("load the sign-in of user %s to %q: %w", user, p.ID, err)
		}
		out[i].Authenticated = err == nil && p.usable(row.ExternalAuthLink, row.Expired)
	}
	return out, nil
}
