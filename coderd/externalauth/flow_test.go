package externalauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/externalauth/externalauthtest"
)

// TestCodeFlow: from the page to the provider and back, seen by the API, sealed at
// rest, audited, and forgotten again.
func TestCodeFlow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	status, _, body := r.browser.Do(http.MethodGet, "/external-auth/"+externalauthtest.ID)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Sign in at The Forge")
	require.NotContains(t, body, "Signed in")

	back := r.browser.Begin(externalauthtest.ID, "/workspaces?x=1")
	status, to, _ := r.browser.Do(http.MethodGet, back)
	require.Equal(t, http.StatusSeeOther, status)
	require.Equal(t, "/workspaces?x=1", to)
	got := coderdtest.Do[api.ExternalAuth](t, r.member, http.StatusOK, http.MethodGet, forge, nil)
	require.Equal(t, api.ExternalAuth{Authenticated: true, Device: true, DisplayName: "The Forge", SupportsRevocation: true,
		User:          &api.ExternalAuthUser{ID: 42, Login: "<octo>", Name: "Octo", ProfileURL: "https://forge.example/octo"},
		Installations: []api.ExternalAuthAppInstallation{}}, got, "a link that is no link is left out")
	l := r.link()
	require.True(t, l.Authenticated)
	require.True(t, l.HasRefreshToken)
	require.True(t, l.Expires.IsZero())
	_, _, body = r.browser.Do(http.MethodGet, "/external-auth/"+externalauthtest.ID)
	require.Contains(t, body, "You are signed in as &lt;octo&gt;.")

	var stored, diffs string
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select encode(token, 'escape') from external_auth_links`).Scan(&stored))
	require.NotContains(t, stored, "acc-")
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select string_agg(action || diff::text, '') from audit_logs where resource_type = 'external_auth_link'`).Scan(&diffs))
	require.Contains(t, diffs, "create")
	require.NotContains(t, diffs, "acc-")

	// Of others' sign-ins nobody knows.
	all := coderdtest.Do[api.ListUserExternalAuthResponse](t, r.owner, http.StatusOK, http.MethodGet, mine, nil)
	require.Empty(t, all.Links)

	gone := coderdtest.Do[api.DeleteExternalAuthResponse](t, r.member, http.StatusOK, http.MethodDelete, forge, nil)
	require.Equal(t, api.DeleteExternalAuthResponse{TokenRevoked: true}, gone)
	require.Equal(t, 1, r.p.Asked("/revoke"))
	coderdtest.Do[api.Error](t, r.member, http.StatusNotFound, http.MethodDelete, forge, nil)
	got = coderdtest.Do[api.ExternalAuth](t, r.member, http.StatusOK, http.MethodGet, forge, nil)
	require.False(t, got.Authenticated)
}

// TestSignInWithoutSession: the pages ask for a sign-in first, and tell nobody which
// providers there are.
func TestSignInWithoutSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	anonymous := externalauthtest.NewBrowser(t, r.d.URL.String(), "")
	for _, path := range []string{"/external-auth/" + externalauthtest.ID, "/external-auth/" + externalauthtest.ID + "/callback?code=x&state=y"} {
		status, _, known := anonymous.Do(http.MethodGet, path)
		require.Equal(t, http.StatusUnauthorized, status)
		require.Contains(t, known, "Sign in to Coder")
		status, _, unknown := anonymous.Do(http.MethodGet, strings.Replace(path, externalauthtest.ID, "wrong", 1))
		require.Equal(t, http.StatusUnauthorized, status)
		require.Equal(t, strings.ReplaceAll(known, externalauthtest.ID, "wrong"), unknown)
	}
	status, _, body := r.browser.Do(http.MethodGet, "/external-auth/wrong")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, body, "External authentication provider not found")
}

// TestLinksBeginNothing: a sign-in begins by the button of our page, not by a link,
// not from another site, and leads to no other site.
func TestLinksBeginNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	status, to, _ := r.browser.Do(http.MethodGet, "/gitauth/"+externalauthtest.ID+"/callback?redirect=%2Fx")
	require.Equal(t, http.StatusSeeOther, status)
	require.Equal(t, "/external-auth/"+externalauthtest.ID+"?redirect=%2Fx", to)
	require.Zero(t, r.p.Asked("/authorize"))
	for _, bad := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "/" + strings.Repeat("x", 600), "/a\nb"} {
		status, _, body := r.browser.Do(http.MethodPost, "/external-auth/"+externalauthtest.ID+"/start?redirect="+url.QueryEscape(bad))
		require.Equal(t, http.StatusBadRequest, status, bad)
		require.Contains(t, body, "redirect")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.d.URL.String()+"/external-auth/"+externalauthtest.ID+"/start", nil)
	require.NoError(t, err)
	req.AddCookie(&http.Cookie{Name: api.SessionTokenCookie, Value: r.member.Token.Reveal()})
	req.Header.Set("Origin", "https://evil.example")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusForbidden, res.StatusCode)
}

// TestBadReturns: what may go wrong on the way back is told on a page, and nothing
// is stored.
func TestBadReturns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	fails := func(b *externalauthtest.Browser, to string, status int, want string) {
		t.Helper()
		got, _, body := b.Do(http.MethodGet, to)
		require.Equal(t, status, got, body)
		require.Contains(t, body, want)
		require.Contains(t, body, "Begin again")
		all := coderdtest.Do[api.ListUserExternalAuthResponse](t, r.member, http.StatusOK, http.MethodGet, mine, nil)
		require.Empty(t, all.Links)
	}
	callback := "/external-auth/" + externalauthtest.ID + "/callback"
	fails(r.browser, callback+"?code=x&state=wrong", 400, "begun by another session")
	fails(r.browser, callback+"?code=x", 400, "begun by another session")

	// Another session, of another user or the same one.
	back := r.browser.Begin(externalauthtest.ID, "")
	fails(externalauthtest.NewBrowser(t, r.d.URL.String(), r.owner.Token.Reveal()), back, 400, "begun by another session")
	again := r.d.Login(t, "bob@example.com")
	fails(externalauthtest.NewBrowser(t, r.d.URL.String(), again.Token.Reveal()), back, 400, "begun by another session")

	// Too late.
	r.exec(`update external_auth_flows set created_at = now() - interval '20 minutes'`)
	fails(r.browser, back, 400, "longer than 15 minutes")

	r.p.Set(func(m *externalauthtest.Mode) { m.Deny = true })
	fails(r.browser, r.browser.Begin(externalauthtest.ID, ""), 403, "You did not allow the access at The Forge")
	_, _, body := r.browser.Do(http.MethodGet, r.browser.Begin(externalauthtest.ID, ""))
	require.Contains(t, body, "&lt;b&gt;No&lt;/b&gt; thanks")
	r.p.Set(func(m *externalauthtest.Mode) { m.Deny = false })

	// A code that the provider does not know, and one that is used a second time.
	back = r.browser.Begin(externalauthtest.ID, "")
	u, err := url.Parse(back)
	require.NoError(t, err)
	q := u.Query()
	q.Set("code", "guessed")
	fails(r.browser, callback+"?"+q.Encode(), 400, "did not accept the sign-in")
	fails(r.browser, back, 400, "finished already")

	back = r.browser.Begin(externalauthtest.ID, "")
	r.p.Set(func(m *externalauthtest.Mode) { m.Down = true })
	fails(r.browser, back, 503, "The Forge answered with an error")
	r.p.Set(func(m *externalauthtest.Mode) { m.Down = false })

	r.p.Set(func(m *externalauthtest.Mode) { m.BadTokens = true })
	fails(r.browser, r.browser.Begin(externalauthtest.ID, ""), 400, "the token has characters that no token has")
	r.p.Set(func(m *externalauthtest.Mode) { m.BadTokens = false })

	back = r.browser.Begin(externalauthtest.ID, "")
	r.browser.SignIn(externalauthtest.ID) // both may be open at once
	status, _, _ := r.browser.Do(http.MethodGet, back)
	require.Equal(t, http.StatusSeeOther, status)
	status, _, body = r.browser.Do(http.MethodGet, back)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, "finished already")
}

// TestFlowsAreBounded: who begins and never ends fills nothing.
func TestFlowsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 25 {
		r.browser.Begin(externalauthtest.ID, "")
	}
	var n int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select count(*) from external_auth_flows`).Scan(&n))
	require.Equal(t, 20, n)
}

// TestSecretInHeader: some token endpoints look for the secret there only; and a
// provider that cannot be reached is told so.
func TestSecretInHeader(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *externalauth.Config) { c.PKCEMethods = []string{"none"}; c.ValidateURL = "" })
	r.p.Set(func(m *externalauthtest.Mode) { m.Basic = true })
	r.browser.SignIn(externalauthtest.ID)
	require.True(t, r.link().Authenticated)

	back := r.browser.Begin(externalauthtest.ID, "")
	r.p.Server.Close()
	status, _, body := r.browser.Do(http.MethodGet, back)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "The Forge cannot be reached from this server")
	require.True(t, r.link().Authenticated, "what was there before stays")
	gone := coderdtest.Do[api.DeleteExternalAuthResponse](t, r.member, http.StatusOK, http.MethodDelete, forge, nil)
	require.False(t, gone.TokenRevoked)
	require.Contains(t, gone.TokenRevocationError, "Revoke it there")
}

// TestDeviceFlow: pending, then signed in, then over.
func TestDeviceFlow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := coderdtest.Do[api.ExternalAuthDevice](t, r.member, http.StatusOK, http.MethodGet, forge+"/device", nil)
	require.Equal(t, "ABCD-1234", d.UserCode)
	require.Equal(t, 1, d.Interval)
	ask := api.ExternalAuthDeviceExchange{DeviceCode: d.DeviceCode}
	e := coderdtest.Do[api.Error](t, r.member, http.StatusBadRequest, http.MethodPost, forge+"/device", ask)
	require.Equal(t, api.DeviceAuthorizationPending, e.Detail)
	r.p.Agree(d.DeviceCode.Reveal())
	coderdtest.Do[struct{}](t, r.member, http.StatusNoContent, http.MethodPost, forge+"/device", ask)
	require.True(t, r.link().Authenticated)
	e = coderdtest.Do[api.Error](t, r.member, http.StatusBadRequest, http.MethodPost, forge+"/device", ask)
	require.Equal(t, "expired_token", e.Detail)
	e = coderdtest.Do[api.Error](t, r.member, http.StatusBadRequest, http.MethodPost, forge+"/device", api.ExternalAuthDeviceExchange{})
	require.Equal(t, "device_code", e.Validations[0].Field)

	plain := newRig(t, func(c *externalauth.Config) { c.DeviceFlow = false })
	e = coderdtest.Do[api.Error](t, plain.member, http.StatusBadRequest, http.MethodGet, forge+"/device", nil)
	require.Contains(t, e.Message, "no device flow")
}

// TestScopedToken: a token for workspaces does not reach the sign-ins.
func TestScopedToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.browser.SignIn(externalauthtest.ID)
	key := coderdtest.Do[api.GenerateKeyResponse](t, r.member, http.StatusCreated, http.MethodPost, "/api/v2/users/me/keys/tokens",
		api.CreateTokenRequest{TokenName: "narrow", Scopes: []string{"workspace:*"}})
	narrow := r.d.Client(key.Key)
	for method, path := range map[string]string{http.MethodGet: mine, http.MethodDelete: forge} {
		res, body := narrow.Raw(t, method, path, nil)
		require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, res.StatusCode, string(body))
	}
	require.True(t, r.link().Authenticated)
}
