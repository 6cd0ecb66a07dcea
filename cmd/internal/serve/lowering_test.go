//go:build linux

package serve_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// TestLoweringAtTwoServers: of two servers on one database each has a workspace whose
// agent is connected there. A level that is lowered at the first ends what is open at
// both, and keeps out who comes after.
func TestLoweringAtTwoServers(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer ws.CloseNow() //nolint:errcheck // over
		for {
			kind, p, err := ws.Read(r.Context())
			if err != nil || ws.Write(r.Context(), kind, p) != nil {
				return
			}
		}
	}))
	t.Cleanup(echo.Close)
	port := echo.Listener.Addr().String()[len("127.0.0.1:"):]
	opts := servetest.Options{Args: []string{"--wildcard-access-url", "*.apps.test"},
		Env: []string{"CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}
	first, admin := demo(t, opts)
	// Agents go to the server whose daemons have built their workspace: from here on
	// the second builds.
	first.Setenv("CODER_PROVISIONER_DAEMONS=0")
	first.Stop()
	first.Start()
	opts.PostgresURL = first.DSN
	second := servetest.Start(t, opts)
	bob := first.User(t, admin, "bob")
	there := second.Admin(t)
	there.OK("create", "other", "--template", "host", "--use-parameter-defaults", "-y")
	places := []placed{{t, first, port + "--demo--admin.apps.test"}, {t, second, port + "--other--admin.apps.test"}}
	ids := []api.ID{workspace(t, admin, "demo").ID, workspace(t, admin, "other").ID}
	admin.OK("ssh", "demo", "true") // the agents are there
	there.OK("ssh", "other", "true")
	owner, other := admin.Client().Token(), bob.Client().Token()

	share := func(level api.ShareLevel) {
		for _, id := range ids {
			sharePort(t, admin.Client(), id, port, level)
		}
	}
	share(api.ShareLevelPublic)
	var kept, strangers, others []*websocket.Conn
	for _, p := range places {
		kept, strangers, others = append(kept, p.open(owner)), append(strangers, p.open("")), append(others, p.open(other))
	}
	// ended wants streams to be over, and who had them kept out.
	ended := func(what string, since time.Time, gone []*websocket.Conn, token api.Secret, status int) {
		for _, ws := range gone {
			_, _, err := ws.Read(t.Context()) // ends when the stream does
			require.Error(t, err)
		}
		t.Logf("%s ended the streams at both servers in %s", what, time.Since(since))
		for _, p := range places {
			ws, got := p.dial(token)
			require.Nil(t, ws)
			require.Equal(t, status, got)
		}
		for _, ws := range kept {
			talks(t, ws)
		}
	}
	lowered := time.Now()
	share(api.ShareLevelOrganization)
	ended("the level", lowered, strangers, "", http.StatusUnauthorized)
	for _, ws := range others {
		talks(t, ws) // bob is of the organization
	}
	lowered = time.Now()
	level := string(api.ShareLevelOwner)
	_, err := admin.Client().UpdateTemplate(t.Context(), workspace(t, admin, "demo").TemplateID, api.UpdateTemplateRequest{MaxPortShareLevel: &level})
	require.NoError(t, err)
	ended("the maximum of the template", lowered, others, other, http.StatusNotFound)
}

// placed is a port of a workspace at one server.
type placed struct {
	*testing.T
	s    *servetest.Server
	host string
}

// dial opens a websocket, for nobody where there is no token.
func (p placed) dial(token api.Secret) (*websocket.Conn, int) {
	p.Helper()
	header := http.Header{}
	if token != "" {
		header.Set(api.SessionTokenHeader, token.Reveal())
	}
	ws, res, err := websocket.Dial(p.Context(), p.s.URL.String()+"/", &websocket.DialOptions{Host: p.host, HTTPHeader: header})
	require.NotNil(p, res, "%v", err)
	if err != nil {
		if res.Body != nil {
			_ = res.Body.Close()
		}
		return nil, res.StatusCode
	}
	p.Cleanup(func() { _ = ws.CloseNow() })
	return ws, res.StatusCode
}

func (p placed) open(token api.Secret) *websocket.Conn {
	p.Helper()
	ws, status := p.dial(token)
	require.NotNil(p, ws, "status %d", status)
	talks(p.T, ws)
	return ws
}

func talks(t *testing.T, ws *websocket.Conn) {
	t.Helper()
	require.NoError(t, ws.Write(t.Context(), websocket.MessageText, []byte("hello")))
	_, p, err := ws.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", string(p))
}
