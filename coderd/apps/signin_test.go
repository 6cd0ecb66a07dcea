package apps_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/devurl"
)

const sessionCookie = "coder_subdomain_app_session_token"

// begin walks until the ticket is in the URL and returns that URL.
func (b *browser) begin(target string) string {
	b.w.Helper()
	one := b.once()
	res, _ := one.get(target)
	require.Equal(b.w, http.StatusSeeOther, res.StatusCode)
	require.Contains(b.w, res.Header.Get("Location"), "/api/v2/applications/auth-redirect?")
	res, text := one.get(res.Header.Get("Location"))
	require.Equal(b.w, http.StatusTemporaryRedirect, res.StatusCode, text)
	to := res.Header.Get("Location")
	require.Contains(b.w, to, devurl.TicketParam)
	return to
}

// TestTicket: it works once, at its origin, in the browser that asked.
func TestTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice)
	ticket := alice.begin(w.url("owner", "/a?b=c&d"))

	thief := w.browser(w.bob)
	res, text := thief.once().get(ticket)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode, text)
	thief.once().get(w.url("owner", "/")) // it now has a state of its own
	res, _ = thief.once().get(ticket)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	assert.Empty(t, thief.cookie(w.url("owner", "/"), sessionCookie))

	// At another application, whose state the browser has too.
	alice.once().get(w.url("authenticated", "/"))
	res, _ = alice.once().get(strings.Replace(ticket, "owner--", "authenticated--", 1))
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	alice.once().get(w.url("owner", "/"))

	alice = w.browser(w.alice)
	ticket = alice.begin(w.url("owner", "/a?b=c&d"))
	res, _ = alice.once().get(ticket)
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	assert.Equal(t, w.url("owner", "/a?b=c&d"), res.Header.Get("Location"))
	session := alice.cookie(w.url("owner", "/"), sessionCookie)
	require.NotEmpty(t, session)
	res, _ = alice.once().get(ticket)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "a ticket works once")

	for _, changed := range []string{ticket[:len(ticket)-2] + "AA", ticket + "&" + devurl.TicketParam + "=x",
		ticket[:strings.LastIndex(ticket, "=")+1] + session} {
		res, _ = alice.once().get(changed)
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, changed)
	}
	assert.Zero(t, w.count(), "nothing of it reached the workspace")
}

// TestSessionIsForOneOrigin: it opens no other application, and the API never.
func TestSessionIsForOneOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice)
	res, _ := alice.get(w.url("owner", "/"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	session := alice.cookie(w.url("owner", "/"), sessionCookie)
	nobody := w.browser(nil).once()
	res, _ = nobody.get(w.url("owner", "/"), "Cookie", sessionCookie+"="+session)
	require.Equal(t, http.StatusOK, res.StatusCode)
	res, _ = nobody.get(w.url("organization", "/"), "Cookie", sessionCookie+"="+session)
	assert.Equal(t, http.StatusSeeOther, res.StatusCode)
	res, _ = nobody.get(w.url("owner", "/"), "Cookie", sessionCookie+"="+session+"; "+sessionCookie+"=planted")
	assert.Equal(t, http.StatusSeeOther, res.StatusCode, "of two cookies one is another's")

	for name, value := range map[string]string{"Cookie": api.SessionTokenCookie + "=" + session, api.SessionTokenHeader: session, "Authorization": "Bearer " + session} {
		res, _ = nobody.get(w.d.URL.String()+"/api/v2/users/me", name, value)
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
	}
	// The API is not on hosts of applications, whoever asks.
	res, text := alice.get(w.url("owner", "/api/v2/users/me"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "/api/v2/users/me", decodeEcho(t, text).URI)

	// It ends with the key that it came from.
	coderdtest.Do[api.Response](t, w.alice, http.StatusOK, http.MethodPost, "/api/v2/users/logout", nil)
	eventually(t, "the session has ended", func() bool {
		res, _ := alice.once().get(w.url("owner", "/"))
		return res.StatusCode == http.StatusSeeOther
	})
}

// TestRedirects: only applications of this deployment, in their one spelling, are led
// to.
func TestRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice).once()
	for _, bad := range []string{"", "/", "https://evil.example/", w.d.URL.String() + "/", "//" + w.host("owner") + "/", "javascript:alert(1)",
		strings.Replace(w.url("owner", "/"), "http:", "https:", 1), "http://u@" + w.host("owner") + "/", "http://u:p@" + w.host("owner") + "/",
		"http://owner--main--dev--alice.apps.test/", "http://owner--main--dev--alice.apps.test:1/", w.url("owner", "/#x"), "http://Owner--main--dev--alice.apps.test:" + w.d.URL.Port() + "/",
		w.url("owner", "/../x"), "http://" + w.host("owner") + ".evil.example/", "http://evil.example/" + w.host("owner"), w.url("owner", `\x`)} {
		res, text := alice.get(w.d.URL.String() + devurl.RedirectPath + "?state=x&redirect_uri=" + url.QueryEscape(bad))
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, "%s: %s", bad, text)
	}
	res, _ := alice.get(w.d.URL.String() + devurl.RedirectPath + "?redirect_uri=" + url.QueryEscape(w.url("owner", "/x")))
	assert.Equal(t, w.url("owner", "/x"), res.Header.Get("Location"), "without a state there is no ticket")
	res, _ = w.browser(w.carol).once().get(w.d.URL.String() + devurl.RedirectPath + "?state=x&redirect_uri=" + url.QueryEscape(w.url("owner", "/x")))
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
}

// TestLoginAndBack: the page leads back to where the person was, and to nowhere else.
func TestLoginAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := w.browser(nil)
	res, text := nobody.get(w.url("owner", "/deep?x=1"), "Accept", "text/html")
	require.Equal(t, "/login", res.Request.URL.Path)
	require.Contains(t, text, `name="password"`)
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "form-action 'self' http://"+w.host("owner"))
	form := url.Values{"email": {"alice@example.com"}, "password": {"wrong"}, "redirect": {res.Request.URL.Query().Get("redirect")}}
	post := func(headers ...string) (*http.Response, string) {
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
		return nobody.once().do(http.MethodPost, w.d.URL.String()+"/login", form.Encode(), headers...)
	}
	res, _ = post()
	assert.Equal(t, http.StatusForbidden, res.StatusCode, "an origin is needed")
	res, _ = post("Origin", "http://"+w.host("public"))
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	res, text = post("Origin", w.d.URL.String())
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	assert.Contains(t, text, "Incorrect email or password.")
	form.Set("password", coderdtest.Password.Reveal())
	res, text = post("Origin", w.d.URL.String())
	require.Equal(t, http.StatusSeeOther, res.StatusCode, text)
	res, _ = nobody.get(w.d.URL.String() + res.Header.Get("Location"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, w.url("owner", "/deep?x=1"), res.Request.URL.String())

	for _, bad := range []string{"https://evil.example", "//evil.example", "/api/v2/users/me", `/\evil`} {
		form.Set("redirect", bad)
		res, _ := w.browser(nil).once().do(http.MethodPost, w.d.URL.String()+"/login", form.Encode(), "Origin", w.d.URL.String(),
			"Content-Type", "application/x-www-form-urlencoded")
		assert.Equal(t, "/", res.Header.Get("Location"), bad)
	}
}

// TestPagesOfOthers: what a page of another user's application asks for is asked for
// by nobody.
func TestPagesOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice)
	res, _ := alice.get(w.url("owner", "/"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	before := w.count()
	one := alice.once()
	evil, mine := "http://8080--main--dev--bob.apps.test:"+w.d.URL.Port(), "http://"+w.host("public")
	for _, foreign := range []string{evil, w.d.URL.String(), "null", "http://evil.example"} {
		res, _ = one.do(http.MethodPost, w.url("owner", "/"), "x", "Origin", foreign)
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, foreign)
		res, _ = one.get(w.url("owner", "/"), "Origin", foreign, "Sec-Fetch-Mode", "cors")
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, foreign)
		assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
		res, _ = one.get(w.url("owner", "/"), "Origin", foreign, "Connection", "Upgrade", "Upgrade", "websocket")
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, foreign)
	}
	res, _ = one.get(w.url("owner", "/"), "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Referer", evil+"/")
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	assert.Equal(t, before, w.count(), "nothing of it reached the workspace")

	res, _ = one.do(http.MethodPost, w.url("owner", "/"), "x", "Origin", mine)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, mine, res.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "true", res.Header.Get("Access-Control-Allow-Credentials"))
	res, _ = one.get(w.url("owner", "/"), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	assert.Equal(t, http.StatusOK, res.StatusCode, "a link may be followed")

	ask := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-a", "Origin"}
	res, _ = one.do(http.MethodOptions, w.url("owner", "/"), "", append(ask, mine)...)
	assert.Equal(t, http.StatusNoContent, res.StatusCode)
	assert.Equal(t, mine, res.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "PUT", res.Header.Get("Access-Control-Allow-Methods"))
	res, _ = one.do(http.MethodOptions, w.url("owner", "/"), "", append(ask, evil)...)
	assert.Equal(t, http.StatusNoContent, res.StatusCode)
	assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))

	// What the application says counts where the template leaves it the word.
	w.does(func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Access-Control-Allow-Origin", "*") })
	res, _ = one.get(w.url("public", "/"), "Origin", evil)
	assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
	passthru := api.CORSPassthru
	coderdtest.Do[api.Template](t, w.root, http.StatusOK, http.MethodPatch, "/api/v2/templates/"+w.template.String(), api.UpdateTemplateRequest{CORSBehavior: &passthru})
	eventually(t, "the application answers", func() bool {
		res, _ := one.get(w.url("public", "/"), "Origin", evil)
		return res.Header.Get("Access-Control-Allow-Origin") == "*"
	})
}
