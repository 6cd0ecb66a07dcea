package externalauth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/externalauth/externalauthtest"
)

const (
	byID    = agent + "?id=" + externalauthtest.ID
	expire  = `update external_auth_links set expires_at = now() - interval '1 second', refresh_at = now() - interval '1 minute'`
	age     = `update external_auth_links set refresh_at = now() - interval '1 second'`
	unknown = `update external_auth_links set validated_at = null`
)

// TestAgentGetsToken: by id and by URL, with what Git sends; an agent that gets no
// data of its owner gets none.
func TestAgentGetsToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *externalauth.Config) { c.ExtraTokenKeys = []string{"team"} })
	tpl := r.template("git", true)
	a := r.running(tpl, "dev", "tok-dev", "all")
	none := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.Equal(t, agentrpc.ExternalAuthResponse{Type: "forge", URL: r.d.URL.String() + "/external-auth/" + externalauthtest.ID}, none)

	r.browser.SignIn(externalauthtest.ID)
	got := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, agent+"?match=http%3A%2F%2F127.0.0.1%3A1234%2Fx", nil)
	require.True(t, r.p.Good(got.AccessToken.Reveal()))
	require.Equal(t, got.AccessToken, got.Password)
	require.Equal(t, "oauth2", got.Username)
	require.Equal(t, map[string]any{"team": map[string]any{"id": "T1"}}, got.TokenExtra)
	require.Empty(t, got.URL)
	old := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/me/gitauth?id="+externalauthtest.ID, nil)
	require.Equal(t, got, old)

	for query, want := range map[string]string{"?match=https%3A%2F%2Fexample.com": "No external authentication provider is for https://example.com",
		"?id=wrong": `no external authentication provider "wrong". There are: forge`} {
		e := coderdtest.Do[api.Error](t, a, http.StatusNotFound, http.MethodGet, agent+query, nil)
		require.Contains(t, e.Message, want)
	}
	coderdtest.Do[api.Error](t, a, http.StatusBadRequest, http.MethodGet, agent, nil)
	coderdtest.Do[api.Error](t, a, http.StatusBadRequest, http.MethodGet, byID+"&match=x", nil)

	closed := r.running(tpl, "closed", "tok-closed", "no_user_data")
	e := coderdtest.Do[api.Error](t, closed, http.StatusForbidden, http.MethodGet, byID, nil)
	require.Contains(t, e.Message, "no_user_data")
	coderdtest.Do[api.User](t, r.owner, http.StatusOK, http.MethodPut, "/api/v2/users/bob/status/suspend", nil)
	e = coderdtest.Do[api.Error](t, a, http.StatusForbidden, http.MethodGet, byID, nil)
	require.Contains(t, e.Message, "suspended")
}

// TestListen: an agent that waits gets the token as soon as the owner has signed
// in, through another replica, too.
func TestListen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.running(r.template("git", true), "dev", "tok-dev", "all")
	other := coderdtest.Replica(t, r.d.DB, r.configured())
	browser := externalauthtest.NewBrowser(t, other.URL.String(), r.member.Token.Reveal())
	got := make(chan agentrpc.ExternalAuthResponse, 1)
	go func() {
		got <- coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID+"&listen=true", nil)
	}()
	browser.SignIn(externalauthtest.ID)
	require.True(t, r.p.Good((<-got).AccessToken.Reveal()))
}

// TestRefreshOnce: however many ask two replicas at once, one refreshes.
func TestRefreshOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.p.Set(func(m *externalauthtest.Mode) { m.Life = 3600 })
	a := r.running(r.template("git", true), "dev", "tok-dev", "all")
	other := coderdtest.Replica(t, r.d.DB, r.configured())
	r.browser.SignIn(externalauthtest.ID)
	require.False(t, r.link().Expires.IsZero())
	first := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	r.exec(expire)
	before := r.p.Asked("/token")
	release := r.p.Hold()
	tokens := make([]api.Secret, 12)
	var wg sync.WaitGroup
	for i := range tokens {
		c := a
		if i%2 == 1 {
			c = other.Client("tok-dev")
		}
		wg.Go(func() {
			tokens[i] = coderdtest.Do[agentrpc.ExternalAuthResponse](t, c, http.StatusOK, http.MethodGet, byID, nil).AccessToken
		})
	}
	require.Eventually(t, func() bool { return r.p.Asked("/token") > before }, 10*time.Second, 5*time.Millisecond)
	release()
	wg.Wait()
	require.Equal(t, before+1, r.p.Asked("/token"))
	for _, tok := range tokens {
		require.Equal(t, tokens[0], tok)
	}
	require.NotEqual(t, first.AccessToken, tokens[0])
	require.True(t, r.p.Good(tokens[0].Reveal()))
	require.True(t, r.link().Authenticated)
}

// TestRefreshFails: a provider that is down ends nothing; one that refuses for good
// ends the sign-in when the token does.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.p.Set(func(m *externalauthtest.Mode) { m.Life = 3600 })
	a := r.running(r.template("git", true), "dev", "tok-dev", "all")
	r.browser.SignIn(externalauthtest.ID)
	first := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)

	r.p.Set(func(m *externalauthtest.Mode) { m.Down = true })
	r.exec(age)
	same := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.Equal(t, first.AccessToken, same.AccessToken, "it has not expired")
	r.exec(expire)
	e := coderdtest.Do[api.Error](t, a, http.StatusServiceUnavailable, http.MethodGet, byID, nil)
	require.Contains(t, e.Message, "The Forge answered with an error")
	require.True(t, r.link().Authenticated)
	r.p.Set(func(m *externalauthtest.Mode) { m.Down = false })
	fresh := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.NotEqual(t, first.AccessToken, fresh.AccessToken)

	// The refresh token is not good any more, the token still is.
	r.p.Revoke(true)
	r.exec(age)
	last := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.Equal(t, fresh.AccessToken, last.AccessToken)
	require.False(t, r.link().HasRefreshToken)
	r.exec(expire)
	over := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.NotEmpty(t, over.URL)
	l := r.link()
	require.False(t, l.Authenticated)
	require.Contains(t, l.ValidateError, "The Forge does not refresh the sign-in any more: invalid_grant: said the forge")

	// Signing in again mends all.
	r.browser.SignIn(externalauthtest.ID)
	require.True(t, r.link().Authenticated)
	require.Empty(t, r.link().ValidateError)
}

// TestRevokedThere: a token that the provider does not accept is not given out, and
// refreshed where that helps.
func TestRevokedThere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.running(r.template("git", true), "dev", "tok-dev", "all")
	r.browser.SignIn(externalauthtest.ID)
	r.p.Revoke(false)
	r.exec(unknown)
	got := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.True(t, r.p.Good(got.AccessToken.Reveal()), "it was refreshed")
	r.p.Revoke(true)
	r.exec(unknown)
	over := coderdtest.Do[agentrpc.ExternalAuthResponse](t, a, http.StatusOK, http.MethodGet, byID, nil)
	require.NotEmpty(t, over.URL)
	require.Empty(t, over.AccessToken)
	require.False(t, r.link().Authenticated)
	require.Contains(t, r.link().ValidateError, "The Forge does not accept the sign-in any more")
}

// TestNoRefresh: what must not be refreshed is over when it expires.
func TestNoRefresh(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *externalauth.Config) { c.NoRefresh = true })
	r.p.Set(func(m *externalauthtest.Mode) { m.Life = 3600 })
	r.browser.SignIn(externalauthtest.ID)
	r.exec(expire)
	require.False(t, r.link().Authenticated)
	require.Equal(t, "The sign-in has expired.", r.link().ValidateError)
	require.Equal(t, 1, r.p.Asked("/token"))
}

// TestBuilds: a template that needs a sign-in is not built without, says where to,
// and its builds get the token.
func TestBuilds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("needs", false)
	version := "/api/v2/templateversions/" + tpl.ActiveVersionID.String() + "/external-auth"
	want := api.TemplateVersionExternalAuth{ID: externalauthtest.ID, Type: "forge", DisplayName: "The Forge",
		AuthenticateURL: r.d.URL.String() + "/external-auth/" + externalauthtest.ID}
	require.Equal(t, []api.TemplateVersionExternalAuth{want}, coderdtest.Do[[]api.TemplateVersionExternalAuth](t, r.member, http.StatusOK, http.MethodGet, version, nil))
	make := api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID}
	e := coderdtest.Do[api.Error](t, r.member, http.StatusBadRequest, http.MethodPost, "/api/v2/users/me/workspaces", make)
	require.Equal(t, "external_auth", e.Validations[0].Field)
	require.Contains(t, e.Message, "Sign in at "+want.AuthenticateURL)
	e = coderdtest.Do[api.Error](t, r.owner, http.StatusBadRequest, http.MethodPost, "/api/v2/users/bob/workspaces", make)
	require.Contains(t, e.Message, "The owner of the workspace has to sign in at")

	r.browser.SignIn(externalauthtest.ID)
	want.Authenticated = true
	require.Equal(t, []api.TemplateVersionExternalAuth{want}, coderdtest.Do[[]api.TemplateVersionExternalAuth](t, r.member, http.StatusOK, http.MethodGet, version, nil))
	w := coderdtest.Do[api.Workspace](t, r.member, http.StatusCreated, http.MethodPost, "/api/v2/users/me/workspaces", make)
	job := r.acquire()
	require.Len(t, job.Build.Meta.ExternalAuth, 1)
	require.True(t, r.p.Good(job.Build.Meta.ExternalAuth[0].AccessToken.Reveal()))
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Build: &jobrpc.BuildResult{State: []byte("{}")}}))

	// Signed out between the wish and the build: the build ends with the reason.
	builds := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	b := coderdtest.Do[api.WorkspaceBuild](t, r.member, http.StatusCreated, http.MethodPost, builds, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	coderdtest.Do[api.DeleteExternalAuthResponse](t, r.member, http.StatusOK, http.MethodDelete, forge, nil)
	require.Nil(t, r.acquire())
	b = coderdtest.Do[api.WorkspaceBuild](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+b.ID.String(), nil)
	require.Equal(t, api.JobFailed, b.Job.Status)
	require.Contains(t, b.Job.Error, "Sign in at "+want.AuthenticateURL)
	e = coderdtest.Do[api.Error](t, r.member, http.StatusBadRequest, http.MethodPost, builds, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	require.Equal(t, "external_auth", e.Validations[0].Field)

	// What is to go, goes without.
	coderdtest.Do[api.WorkspaceBuild](t, r.member, http.StatusCreated, http.MethodPost, builds, api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete})
	job = r.acquire()
	require.NotNil(t, job)
	require.Empty(t, job.Build.Meta.ExternalAuth[0].AccessToken)
}
