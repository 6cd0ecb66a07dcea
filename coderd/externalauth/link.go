package externalauth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const auditType = "external_auth_link"

// List returns the providers and the caller's sign-ins. It asks the database alone.
func (s *Service) List(ctx context.Context) (api.ListUserExternalAuthResponse, error) {
	out := api.ListUserExternalAuthResponse{Providers: []api.ExternalAuthLinkProvider{}, Links: []api.ExternalAuthLink{}}
	caller, err := self(ctx, rbac.ReadPersonal)
	if err != nil {
		return out, err
	}
	for _, p := range s.providers {
		methods := []string{}
		if p.pkce() {
			methods = []string{"S256"}
		}
		out.Providers = append(out.Providers, api.ExternalAuthLinkProvider{ID: p.ID, Type: p.Type, Device: p.DeviceFlow,
			DisplayName: p.DisplayName, DisplayIcon: p.DisplayIcon, AllowRefresh: !p.NoRefresh, AllowValidate: p.ValidateURL != "",
			SupportsRevocation: p.RevokeURL != "", CodeChallengeMethods: methods})
	}
	rows, err := s.db.ListExternalAuthLinks(ctx, caller.UserID)
	if err != nil {
		return out, fmt.Errorf("list sign-ins of user %s: %w", caller.UserID, err)
	}
	for _, r := range rows {
		l := r.ExternalAuthLink
		p := s.provider(l.ProviderID)
		v := api.ExternalAuthLink{ProviderID: l.ProviderID, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, HasRefreshToken: l.HasRefresh,
			Authenticated: p != nil && p.usable(l, r.Expired), ValidateError: l.Failure}
		if l.ExpiresAt != nil {
			v.Expires = *l.ExpiresAt
		}
		if !v.Authenticated && v.ValidateError == "" {
			v.ValidateError = "The sign-in has expired."
			if p == nil {
				v.ValidateError = "This provider is not configured any more."
			}
		}
		out.Links = append(out.Links, v)
	}
	return out, nil
}

// Get returns one provider and what it says of the caller, whom it is asked about.
func (s *Service) Get(ctx context.Context, id string) (api.ExternalAuth, error) {
	p, caller, err := s.find(ctx, id, rbac.ReadPersonal)
	if err != nil {
		return api.ExternalAuth{}, err
	}
	out := api.ExternalAuth{Device: p.DeviceFlow, DisplayName: p.DisplayName, SupportsRevocation: p.RevokeURL != "",
		AppInstallable: p.AppInstallURL != "", AppInstallURL: p.AppInstallURL, Installations: []api.ExternalAuthAppInstallation{}}
	h, account, err := s.checked(ctx, p, caller.UserID, true)
	if err != nil || h == nil {
		return out, err
	}
	out.Authenticated, out.User = true, account
	if p.AppInstallationsURL != "" {
		out.Installations = s.installations(ctx, p, h.token.Access)
	}
	return out, nil
}

// maxInstallations bounds a list that is shown.
const maxInstallations = 100

// installations lists where the provider's app is installed; none when it does not
// say.
func (s *Service) installations(ctx context.Context, p *provider, t api.Secret) []api.ExternalAuthAppInstallation {
	out := []api.ExternalAuthAppInstallation{}
	status, _, body, err := s.bearer(ctx, p.AppInstallationsURL, t)
	if err != nil || status != http.StatusOK {
		return out
	}
	list, _ := decode("", body)["installations"].([]any)
	for _, v := range list {
		f, _ := v.(map[string]any)
		account, _ := f["account"].(map[string]any)
		u := userOf(account)
		of := userOf(map[string]any{"id": f["id"], "html_url": f["html_url"]})
		if u != nil && of != nil && len(out) < maxInstallations {
			out = append(out, api.ExternalAuthAppInstallation{ID: of.ID, Account: *u, ConfigureURL: of.ProfileURL})
		}
	}
	return out
}

// store keeps the token of a new sign-in.
func (s *Service) store(ctx context.Context, p *provider, caller rbac.Subject, t token) error {
	sealed, err := s.seal(t)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		e := audit.Entry{Action: audit.Create, ResourceType: auditType, ResourceID: caller.UserID, Target: p.ID,
			StatusCode: http.StatusOK, After: map[string]any{"token": "new", "provider_id": p.ID}}
		_, err := q.GetExternalAuthLink(ctx, database.GetExternalAuthLinkParams{ProviderID: p.ID, UserID: caller.UserID})
		switch {
		case err == nil:
			e.Action, e.Before = audit.Write, map[string]any{"token": "old", "provider_id": p.ID}
		case !database.IsNotFound(err):
			return fmt.Errorf("load the sign-in of user %s to %q: %w", caller.UserID, p.ID, err)
		}
		_, err = q.PutExternalAuthLink(ctx, database.PutExternalAuthLinkParams{ProviderID: p.ID, UserID: caller.UserID, Token: sealed,
			HasRefresh: t.Refresh != "", Life: t.life, Fresh: t.fresh()})
		if err != nil {
			return fmt.Errorf("store the sign-in of user %s to %q: %w", caller.UserID, p.ID, err)
		}
		if err := s.opts.PubSub.Publish(ctx, q, topic(caller.UserID)); err != nil {
			return err
		}
		return audit.Record(ctx, q, e)
	})
}

// Unlink forgets the caller's sign-in and, where the provider can be told, has the
// token revoked. A sign-in to a provider that is not configured any more can be
// forgotten, too.
func (s *Service) Unlink(ctx context.Context, id string) (api.DeleteExternalAuthResponse, error) {
	var out api.DeleteExternalAuthResponse
	caller, err := self(ctx, rbac.UpdatePersonal)
	if err != nil {
		return out, err
	}
	var l database.ExternalAuthLink
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		l, err = q.DeleteExternalAuthLink(ctx, database.DeleteExternalAuthLinkParams{ProviderID: id, UserID: caller.UserID})
		if database.IsNotFound(err) {
			return api.NotFound("Sign-in")
		}
		if err != nil {
			return fmt.Errorf("forget the sign-in of user %s to %q: %w", caller.UserID, id, err)
		}
		if err := s.opts.PubSub.Publish(ctx, q, topic(caller.UserID)); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Delete, ResourceType: auditType, ResourceID: caller.UserID, Target: id,
			StatusCode: http.StatusOK, Before: map[string]any{"provider_id": id}})
	})
	p := s.provider(id)
	if err != nil || p == nil || p.RevokeURL == "" {
		return out, err
	}
	// The sign-in is forgotten; whatever happens here is news, not a failure.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout+time.Second)
	defer cancel()
	t, err := s.open(l)
	if err == nil {
		err = s.revoke(ctx, p, t)
	}
	if out.TokenRevoked = err == nil; err != nil {
		s.log.Warn("external authentication provider did not revoke a token", "provider", p.ID, "error", err)
		out.TokenRevocationError = p.DisplayName + " did not revoke the token. Revoke it there, in the settings of your account."
	}
	return out, nil
}
