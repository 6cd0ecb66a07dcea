package apps_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestLevels: four people and nobody at applications and ports of four levels, on two
// replicas.
func TestLevels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	port := atoi(t, w.port)
	allowed := map[string]string{ // root owns the deployment and may use every workspace
		"owner": "alice root", "organization": "alice root bob", "authenticated": "alice root bob carol", "public": "alice root bob carol nobody"}
	people := []struct {
		name string
		as   *coderdtest.Client
	}{{"alice", w.alice}, {"root", w.root}, {"bob", w.bob}, {"carol", w.carol}, {"nobody", nil}}
	replicas := []*world{w, w.replica()}
	for _, level := range []string{"owner", "organization", "authenticated", "public"} {
		coderdtest.Do[api.PortShare](t, w.alice, http.StatusOK, http.MethodPost, "/api/v2/workspaces/"+w.workspace.String()+"/port-share",
			api.UpsertPortShareRequest{AgentName: "main", Port: port, ShareLevel: api.ShareLevel(level)})
		for _, p := range people {
			for _, at := range replicas {
				may := contains(allowed[level], p.name)
				at.opens(p.as, level, may)
				at.opens(p.as, w.port, may)
			}
		}
	}
}

// opens wants somebody to get the page of an application, or the page that is for who
// may not.
func (w *world) opens(as *coderdtest.Client, app string, may bool) {
	w.Helper()
	// A new browser: nobody profits from what an earlier one was told.
	res, text := w.browser(as).get(w.url(app, "/x?y=1"), "Accept", "text/html")
	switch {
	case may:
		require.Equal(w, http.StatusOK, res.StatusCode, "%s: %s", app, text)
		assert.Equal(w, "/x?y=1", decodeEcho(w, text).URI)
		assert.Equal(w, "/x?y=1", res.Request.URL.RequestURI(), "no ticket is left in the URL")
	case as == nil:
		require.Equal(w, "/login", res.Request.URL.Path, app)
		require.Contains(w, text, "Sign in")
	default:
		require.Equal(w, http.StatusNotFound, res.StatusCode, "%s at %s", as.User.Username, app)
		require.Contains(w, text, "There is no such application")
	}
}

// TestLoweringEverywhere: a level that is lowered at one replica ends what is open at
// the others, and keeps out who comes after.
func TestLoweringEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgrade(rw, r)
		}
	})
	replicas := []*world{w, w.replica()}
	share := func(level api.ShareLevel) {
		coderdtest.Do[api.PortShare](t, w.alice, http.StatusOK, http.MethodPost, "/api/v2/workspaces/"+w.workspace.String()+"/port-share",
			api.UpsertPortShareRequest{AgentName: "main", Port: atoi(t, w.port), ShareLevel: level})
	}
	var kept []*websocket.Conn
	for _, at := range replicas {
		kept = append(kept, at.browser(w.alice).socket(w.port)) // she signs in, since nobody may come in yet
	}
	share(api.ShareLevelPublic)
	levels := []struct {
		to   api.ShareLevel
		gone *coderdtest.Client
	}{{api.ShareLevelAuthenticated, nil}, {api.ShareLevelOrganization, w.carol}, {api.ShareLevelOwner, w.bob}}
	for _, l := range levels {
		var sockets []*websocket.Conn
		for _, at := range replicas {
			sockets = append(sockets, at.browser(l.gone).socket(w.port))
		}
		lowered := time.Now()
		share(l.to)
		for _, ws := range sockets {
			_, _, err := ws.Read(t.Context()) // ends when the stream does
			require.Error(t, err)
		}
		t.Logf("lowering to %s ended the streams of %d replicas in %s", l.to, len(replicas), time.Since(lowered))
		for _, ws := range kept {
			require.NoError(t, echoes(t, ws, "still here"))
		}
		for _, at := range replicas {
			at.opens(l.gone, w.port, false)
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
