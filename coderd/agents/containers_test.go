package agents_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/internal/wsconn"
)

// engine plays an agent with containers.
type engine struct {
	mu     sync.Mutex
	list   string // JSON
	refuse string // JSON of an error; empty takes what is asked
	asked  []string
}

func (e *engine) set(list, refuse string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list, e.refuse = list, refuse
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, e.list)
		return
	}
	e.asked = append(e.asked, r.Method+" "+r.URL.Path)
	if e.refuse != "" {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, e.refuse)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{}`)
}

// TestContainers: what an agent lists is bounded, filtered and followed; what is
// asked of it is recorded; and nobody else may ask.
func TestContainers(t *testing.T) {
	t.Parallel()
	e := &engine{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: e} //nolint:gosec // a test
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	r := newRig(t, func(c *coderdtest.Config) { c.Dialer = &inbound{address: l.Addr().String()} })
	_, a := r.running("dev", "tok")
	_, err = r.d.DB.Pool().Exec(t.Context(), "update workspace_agents set first_connected_at = now(), last_connected_at = now()")
	require.NoError(t, err)
	path := "/api/v2/workspaceagents/" + a.ID.String() + "/containers"
	dev := api.NewID()
	e.set(`{"containers": [{"id": "`+strings.Repeat("x", 2000)+`", "labels": {"a": "1"}}, {"id": "two", "labels": {"a": "2"}}],
		"devcontainers": [{"id": "`+dev.String()+`", "name": "one\u0000", "status": "running", "container": {"id": "two"}}]}`, "")

	got := coderdtest.Do[api.AgentContainers](t, r.member, http.StatusOK, http.MethodGet, path, nil)
	require.Len(t, got.Containers, 2)
	assert.Len(t, got.Containers[0].ID, 512)
	require.Len(t, got.Devcontainers, 1)
	assert.Equal(t, "one\uFFFD", got.Devcontainers[0].Name)
	assert.NotNil(t, got.Devcontainers[0].Container.Ports)
	got = coderdtest.Do[api.AgentContainers](t, r.member, http.StatusOK, http.MethodGet, path+"?label=a%3D2", nil)
	require.Len(t, got.Containers, 1)
	assert.Equal(t, "two", got.Containers[0].ID)

	one := path + "/devcontainers/" + dev.String()
	r.call(r.member, http.StatusAccepted, http.MethodPost, one+"/recreate", nil)
	r.call(r.member, http.StatusNoContent, http.MethodDelete, one, nil)
	assert.Equal(t, []string{"POST " + agentrpc.PathDevcontainers + dev.String() + "/recreate", "DELETE " + agentrpc.PathDevcontainers + dev.String()}, e.asked)
	log := coderdtest.Do[api.AuditLogResponse](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/audit?limit=2", nil).AuditLogs
	assert.Equal(t, []string{"delete", "start"}, []string{log[0].Action, log[1].Action})
	assert.Equal(t, "dev.main dev container "+dev.String(), log[0].ResourceTarget)

	e.set(`{}`, `{"code": "conflict", "message": "It is being started."}`)
	refused := coderdtest.Do[api.Error](t, r.member, http.StatusConflict, http.MethodPost, one+"/recreate", nil)
	assert.Equal(t, "It is being started.", refused.Message)
	e.set(`{}`, `{"code": "unauthenticated", "message": "Give me your token."}`)
	refused = coderdtest.Do[api.Error](t, r.member, http.StatusServiceUnavailable, http.MethodPost, one+"/recreate", nil)
	assert.NotContains(t, refused.Message, "token", "an agent cannot say everything")
	r.call(r.member, http.StatusBadRequest, http.MethodDelete, path+"/devcontainers/x", nil)

	carol := r.d.NewUser(t, r.owner, "carol")
	for _, c := range [][2]string{{http.MethodGet, path}, {http.MethodGet, path + "/watch"}, {http.MethodPost, one + "/recreate"}, {http.MethodDelete, one}} {
		r.call(carol, http.StatusNotFound, c[0], c[1], nil)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ws, err := wsconn.Dial(ctx, r.d.URL.String()+path+"/watch", wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // the end of the test
	for i, list := range []string{`{}`, `{"containers": [{"id": "new"}]}`} {
		e.set(list, "")
		text, err := ws.ReadRaw(ctx)
		require.NoError(t, err)
		var now api.AgentContainers
		require.NoError(t, json.Unmarshal(text, &now))
		require.Len(t, now.Containers, i)
	}
}
