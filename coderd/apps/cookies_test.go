package apps_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestCookiesLikeOurs: what is named or spelt nearly like a cookie of ours opens
// nothing, and does not reach the workspace.
func TestCookiesLikeOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice)
	res, _ := alice.get(w.url("owner", "/"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	session := alice.cookie(w.url("owner", "/"), sessionCookie)
	nobody := w.browser(nil).once()
	res, _ = nobody.get(w.url("owner", "/"), "Cookie", sessionCookie+"="+session)
	require.Equal(t, http.StatusOK, res.StatusCode)
	before := w.count()
	for what, cookie := range map[string]string{
		"capitals":              strings.ToUpper(sessionCookie) + "=" + session,
		"a prefix of TLS":       "__Host-" + sessionCookie + "=" + session,
		"another prefix":        "__Secure-" + sessionCookie + "=" + session,
		"both prefixes":         "__Secure-__Host-" + sessionCookie + "=" + session,
		"quotes":                sessionCookie + `="` + session + `"`,
		"a quoted name":         `"` + sessionCookie + `"=` + session,
		"twice":                 sessionCookie + "=" + session + "; " + sessionCookie + "=" + session,
		"a longer name":         sessionCookie + "2=" + session,
		"a longer value":        sessionCookie + "=" + session + strings.Repeat("A", 4096),
		"a cut value":           sessionCookie + "=" + session[:len(session)-2],
		"an encoded value":      sessionCookie + "=%" + session,
		"of the path form":      "coder_path_app_session_token=" + session,
		"the state":             "coder_app_state=" + session,
		"of the pages":          api.SessionTokenCookie + "=" + session,
		"the key of the pages":  api.SessionTokenCookie + "=" + w.alice.Token.Reveal(),
		"of the first release":  "devurl_session=" + w.alice.Token.Reveal(),
		"the key in our cookie": sessionCookie + "=" + w.alice.Token.Reveal(),
		"a comma":               "a=1, " + sessionCookie + "=" + session,
		"no value":              sessionCookie,
		"empty":                 sessionCookie + "=",
	} {
		res, _ = nobody.get(w.url("owner", "/"), "Cookie", cookie)
		assert.Equal(t, http.StatusSeeOther, res.StatusCode, what)
		res, text := nobody.get(w.url("public", "/"), "Cookie", "x=1; "+cookie+"; y=2")
		require.Equal(t, http.StatusOK, res.StatusCode, what)
		before++
		if what != "a comma" { // that is the value of a, which is the application's
			assert.Equal(t, []string{"x=1; y=2"}, decodeEcho(t, text).Header["Cookie"], what)
		}
	}
	assert.Equal(t, before, w.count())

	// Two lines of cookies are one list.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url("owner", "/"), nil)
	require.NoError(t, err)
	req.Header["Cookie"] = []string{sessionCookie + "=" + session, sessionCookie + "=planted"}
	res, err = w.browser(nil).once().Do(req) // without a cookie of its own, which would join the lines
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, http.StatusSeeOther, res.StatusCode)
}

// TestSignInOfAnotherUser: a ticket, and a session, are of the person that they were
// made for, whoever brings them.
func TestSignInOfAnotherUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// bob is led to his own sign-in with a link that carries alice's ticket.
	link := w.browser(w.alice).begin(w.url("authenticated", "/x"))
	bob := w.browser(w.bob)
	bob.begin(w.url("authenticated", "/x")) // he has a state there
	res, _ := bob.once().get(link)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	assert.Empty(t, bob.cookie(w.url("authenticated", "/"), sessionCookie))
	assert.Zero(t, w.count())
	// A ticket ends with the key that it came from.
	link = w.browser(w.bob).begin(w.url("authenticated", "/x"))
	coderdtest.Do[api.Response](t, w.bob, http.StatusOK, http.MethodPost, "/api/v2/users/logout", nil)
	res, _ = bob.once().get(link)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
}
