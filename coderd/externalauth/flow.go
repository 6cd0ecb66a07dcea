package externalauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxRedirect bounds the path to go on to, in bytes.
const maxRedirect = 512

// local reports whether a path leads to this deployment and nowhere else.
func local(path string) bool {
	return path == "" || len(path) <= maxRedirect && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") &&
		!strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r > '~' })
}

// Begin starts a sign-in of the caller by the code flow and returns the URL of the
// provider that the browser goes to. keyID is the caller's session: only it can
// finish. The state in the URL is the sealed PKCE verifier, so that whoever sees
// the URL has nothing.
func (s *Service) Begin(ctx context.Context, id, keyID, redirect string) (string, error) {
	p, caller, err := s.find(ctx, id, rbac.UpdatePersonal)
	if err != nil {
		return "", err
	}
	if p.ClientSecret == "" && p.DeviceFlow {
		return "", api.Conflict(p.DisplayName + " is configured for the device flow only.")
	}
	if !local(redirect) {
		return "", api.Invalid("redirect", "a path of this deployment is needed, such as /workspaces")
	}
	verifier := rand.Text() + rand.Text() // 52 characters of 5 bits each
	sealed, err := s.opts.Ring.Seal([]byte(verifier))
	if err != nil {
		return "", err
	}
	state := base64.RawURLEncoding.EncodeToString(sealed)
	hash := sha256.Sum256([]byte(state))
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		err := q.InsertExternalAuthFlow(ctx, database.InsertExternalAuthFlowParams{StateHash: hash[:], ProviderID: p.ID,
			UserID: caller.UserID, ApiKeyID: keyID, Redirect: redirect})
		if err != nil {
			return fmt.Errorf("begin a sign-in of user %s to %q: %w", caller.UserID, p.ID, err)
		}
		return q.DeleteOldExternalAuthFlows(ctx, database.DeleteOldExternalAuthFlowsParams{UserID: caller.UserID, Keep: keepFlows})
	})
	if err != nil {
		return "", err
	}
	return s.authURL(p, state, verifier)
}

func (s *Service) authURL(p *provider, state, verifier string) (string, error) {
	u, err := url.Parse(p.AuthURL)
	if err != nil {
		return "", fmt.Errorf("parse the URL of %q: %w", p.ID, err)
	}
	v := u.Query()
	v.Set("response_type", "code")
	v.Set("client_id", p.ClientID)
	v.Set("redirect_uri", s.callbackURL(p))
	v.Set("state", state)
	scope := "scope"
	if p.Type == typeSlack {
		scope = "user_scope"
	}
	if len(p.Scopes) > 0 {
		v.Set(scope, strings.Join(p.Scopes, " "))
	}
	switch p.Type {
	case typeAzureDevOps:
		v.Set("response_type", "Assertion")
	case typeAzureEntra:
		if !strings.Contains(u.Path, "/v2.0/") {
			v.Set("resource", "499b84ac-1321-427f-aa17-267ca6975798") // Azure DevOps itself
		}
	}
	if p.pkce() {
		sum := sha256.Sum256([]byte(verifier))
		v.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		v.Set("code_challenge_method", "S256")
	}
	u.RawQuery = v.Encode()
	return u.String(), nil
}

var errState = &api.Error{Code: api.CodeInvalid, Message: "This sign-in was begun by another session, was finished already, or took longer than 15 minutes. Begin it again."}

// returned is what the browser brings back from the provider.
type returned struct {
	code, state, failure, reason string
}

// Finish ends a sign-in with what the provider sent back and returns the path to go
// on to. A state works once, for the session that it was made for.
func (s *Service) Finish(ctx context.Context, id, keyID string, r returned) (string, error) {
	p, caller, err := s.find(ctx, id, rbac.UpdatePersonal)
	if err != nil {
		return "", err
	}
	if len(r.state) > maxField || len(r.code) > maxToken {
		return "", errState
	}
	hash := sha256.Sum256([]byte(r.state))
	flow, err := s.db.TakeExternalAuthFlow(ctx, database.TakeExternalAuthFlowParams{StateHash: hash[:], ProviderID: p.ID,
		UserID: caller.UserID, ApiKeyID: keyID})
	if database.IsNotFound(err) || err == nil && !flow.Alive {
		return "", errState
	}
	if err != nil {
		return "", fmt.Errorf("load a sign-in of user %s to %q: %w", caller.UserID, p.ID, err)
	}
	if r.failure != "" || r.code == "" {
		return "", p.denied(r)
	}
	verifier, err := s.verifier(r.state)
	if err != nil {
		return "", err
	}
	// The code works once: what it gives is stored also when the browser has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWait)
	defer cancel()
	t, err := s.exchange(ctx, p, r.code, verifier)
	if err != nil {
		return "", s.refused(p, err)
	}
	return flow.Redirect, s.store(ctx, p, caller, t)
}

func (s *Service) verifier(state string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return "", errState
	}
	plain, err := s.opts.Ring.Open(sealed)
	if err != nil {
		return "", fmt.Errorf("open the state of a sign-in: %w", err)
	}
	return string(plain), nil
}

// denied words what the provider said instead of giving a code.
func (p *provider) denied(r returned) error {
	if r.failure == "access_denied" {
		return &api.Error{Code: api.CodeForbidden, Message: "You did not allow the access at " + p.DisplayName + ", so nothing was changed.", Detail: clean(r.reason, maxReason)}
	}
	e := &api.Error{Code: api.CodeInvalid, Message: p.DisplayName + " did not sign you in. If it stays so, ask an administrator to look at the provider's configuration."}
	e.Detail = (&refusal{code: clean(r.failure, 64), reason: clean(r.reason, maxReason)}).Error()
	return e
}

// refused words why a code or device code gave no token.
func (s *Service) refused(p *provider, err error) error {
	var r *refusal
	s.log.Warn("external authentication provider gave no token", "provider", p.ID, "error", err)
	if errors.As(err, &r) && r.status < 500 && r.status != 429 {
		return &api.Error{Code: api.CodeInvalid, Message: p.DisplayName + " did not accept the sign-in. Begin it again; if it stays so, ask an administrator to look at the provider's client id, secret and URLs.", Detail: r.Error()}
	}
	return p.unavailable(err)
}
