package apps_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestLevels: four people and nobody at applications and ports of four levels.
func TestLevels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	port, err := strconv.Atoi(w.port)
	require.NoError(t, err)
	allowed := map[string]string{ // root owns the deployment and may use every workspace
		"owner": "alice root", "organization": "alice root bob", "authenticated": "alice root bob carol", "public": "alice root bob carol nobody"}
	people := []struct {
		name string
		as   *coderdtest.Client
	}{{"alice", w.alice}, {"root", w.root}, {"bob", w.bob}, {"carol", w.carol}, {"nobody", nil}}
	for _, level := range []string{"owner", "organization", "authenticated", "public"} {
		coderdtest.Do[api.PortShare](t, w.alice, http.StatusOK, http.MethodPost, "/api/v2/workspaces/"+w.workspace.String()+"/port-share",
			api.UpsertPortShareRequest{AgentName: "main", Port: port, ShareLevel: api.ShareLevel(level)})
		for _, p := range people {
			// A new browser: nobody profits from what an earlier one was told.
			for _, app := range []string{level, w.port} {
				res, text := w.browser(p.as).get(w.url(app, "/x?y=1"), "Accept", "text/html")
				switch {
				case contains(allowed[level], p.name):
					require.Equal(t, http.StatusOK, res.StatusCode, "%s at %s: %s", p.name, app, text)
					assert.Equal(t, "/x?y=1", decodeEcho(t, text).URI)
					assert.Equal(t, "/x?y=1", res.Request.URL.RequestURI(), "no ticket is left in the URL")
				case p.as == nil:
					require.Equal(t, "/login", res.Request.URL.Path, "%s at %s", p.name, app)
					require.Contains(t, text, "Sign in")
				default:
					require.Equal(t, http.StatusNotFound, res.StatusCode, "%s at %s", p.name, app)
					require.Contains(t, text, "There is no such application")
				}
			}
		}
	}
}

func contains(list, name string) bool {
	for _, n := range strings.Fields(list) {
		if n == name {
			return true
		}
	}
	return false
}

// TestTokens: an API key in the header opens what its owner may, and a narrow one
// what it is for.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := func(scopes ...string) string {
		return coderdtest.Do[api.GenerateKeyResponse](t, w.alice, http.StatusCreated, http.MethodPost, "/api/v2/users/me/keys/tokens",
			api.CreateTokenRequest{Scopes: scopes}).Key.Reveal()
	}
	nobody := w.browser(nil).once()
	res, text := nobody.get(w.url("owner", "/"), api.SessionTokenHeader, token("application_connect"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Empty(t, decodeEcho(t, text).Header.Get(api.SessionTokenHeader))
	for _, app := range []string{"owner", "authenticated", "organization"} {
		res, _ = nobody.get(w.url(app, "/"), api.SessionTokenHeader, token("user:read"))
		assert.Equal(t, http.StatusNotFound, res.StatusCode, app)
	}
	res, _ = nobody.get(w.url("owner", "/"), api.SessionTokenHeader, "nonsense")
	assert.Equal(t, http.StatusSeeOther, res.StatusCode)
	res, _ = nobody.do(http.MethodPost, w.url("owner", "/"), "x")
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
}

// TestAbsentLooksHidden: what does not exist and what is not shared look the same.
func TestAbsentLooksHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := func(as *coderdtest.Client, host string) (int, string) {
		res, text := w.browser(as).get("http://"+host+".apps.test:"+w.d.URL.Port()+"/", "Accept", "text/plain")
		return res.StatusCode, text
	}
	status, text := get(w.carol, "owner--main--dev--alice")
	for _, host := range []string{"none--main--dev--alice", "owner--none--dev--alice", "owner--main--none--alice", "owner--main--dev--none", "1234--main--dev--alice"} {
		s, other := get(w.carol, host)
		assert.Equal(t, status, s, host)
		assert.Equal(t, text, other, host)
	}
	assert.Equal(t, http.StatusNotFound, status)
}
