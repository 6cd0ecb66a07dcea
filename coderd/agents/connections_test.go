package agents_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/connectionlog"
	"coder.internal/internal/wsconn"
)

// connections is what the owner finds.
func (r *rig) connections(q string) []api.ConnectionLog {
	r.Helper()
	res := coderdtest.Do[api.ConnectionLogResponse](r, r.owner, http.StatusOK, http.MethodGet, "/api/v2/connectionlog?limit=100&q="+url.QueryEscape(q), nil)
	return res.ConnectionLogs
}

func TestConnectionsReportedByAgents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, _ := r.running("dev", "tok")
	_, _ = r.running("other", "tok2")
	agent, stranger := r.d.Client("tok"), r.d.Client("tok2")
	report := agentrpc.Connection{ID: api.NewID(), Action: agentrpc.ConnectionBegan, Type: api.ConnectionVSCode, IP: "fd00::1"}
	for range 2 { // sent again it counts once
		r.call(agent, http.StatusNoContent, http.MethodPost, me+"/connections", report)
	}
	open := r.connections("status:ongoing")
	require.Len(t, open, 1)
	c := open[0]
	require.Equal(t, w.ID, c.WorkspaceID)
	require.Equal(t, []string{"dev", "main", "bob", "fd00::1", "vscode", "coder"},
		[]string{c.WorkspaceName, c.AgentName, c.WorkspaceOwnerUsername, c.IP, string(c.Type), c.Organization.Name})
	require.Equal(t, report.ID, c.SSHInfo.ConnectionID)
	require.Nil(t, c.SSHInfo.DisconnectTime)
	require.Nil(t, c.WebInfo)

	// Another workspace's agent cannot end it, nor one that speaks of another kind.
	report.Action, report.ExitCode, report.Reason = agentrpc.ConnectionEnded, 3, "bye\x00\xff"
	r.call(stranger, http.StatusNoContent, http.MethodPost, me+"/connections", report)
	wrong := report
	wrong.Type = api.ConnectionSSH
	r.call(agent, http.StatusNoContent, http.MethodPost, me+"/connections", wrong)
	require.Len(t, r.connections("status:ongoing"), 1)
	r.call(agent, http.StatusNoContent, http.MethodPost, me+"/connections", report)
	require.Empty(t, r.connections("status:ongoing"))
	report.Action = agentrpc.ConnectionBegan
	r.call(agent, http.StatusNoContent, http.MethodPost, me+"/connections", report)
	done := r.connections("connection_id:" + report.ID.String())
	require.Len(t, done, 1)
	require.NotNil(t, done[0].SSHInfo.DisconnectTime, "what has ended does not begin again")
	require.Equal(t, 3, *done[0].SSHInfo.ExitCode)

	port := agentrpc.Connection{ID: api.NewID(), Action: agentrpc.ConnectionBegan, Type: api.ConnectionPortForwarding, Target: "localhost:8080"}
	r.call(agent, http.StatusNoContent, http.MethodPost, me+"/connections", port)
	require.Equal(t, "localhost:8080", r.connections("type:port_forwarding")[0].WebInfo.SlugOrPort)

	for name, bad := range map[string]agentrpc.Connection{
		"id":     {Action: "connect", Type: "ssh"},
		"action": {ID: api.NewID(), Action: "open", Type: "ssh"},
		"type":   {ID: api.NewID(), Action: "connect", Type: api.ConnectionReconnectingPTY},
		"target": {ID: api.NewID(), Action: "connect", Type: "ssh", Target: strings.Repeat("x", 301)},
	} {
		e := coderdtest.Do[api.Error](t, agent, http.StatusBadRequest, http.MethodPost, me+"/connections", bad)
		require.Equal(t, name, e.Validations[0].Field)
	}
	r.call(r.member, http.StatusUnauthorized, http.MethodPost, me+"/connections", port)

	// A flood is refused; another workspace does not notice.
	_, err := r.d.DB.Pool().Exec(t.Context(), `insert into connection_logs (id, organization_id, workspace_owner_id, workspace_id, workspace_name, agent_name, type)
		select gen_random_uuid(), organization_id, owner_id, id, name, 'main', 'ssh' from workspaces, generate_series(1, 5000) where id = $1`, w.ID)
	require.NoError(t, err)
	port.ID = api.NewID()
	e := coderdtest.Do[api.Error](t, agent, http.StatusTooManyRequests, http.MethodPost, me+"/connections", port)
	require.Contains(t, e.Message, "limit")
	r.call(stranger, http.StatusNoContent, http.MethodPost, me+"/connections", port)
}

func TestConnectionLogSearch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, _ := r.running("dev", "tok")
	for _, typ := range []api.ConnectionType{api.ConnectionSSH, api.ConnectionJetBrains} {
		r.call(r.d.Client("tok"), http.StatusNoContent, http.MethodPost, me+"/connections",
			agentrpc.Connection{ID: api.NewID(), Action: agentrpc.ConnectionBegan, Type: typ})
	}
	today := time.Now().UTC().Format(time.DateOnly)
	for q, want := range map[string]int{
		"": 2, "type:ssh": 1, "workspace_owner:bob": 2, "workspace_owner:admin": 0, "workspace_owner_email:bob@example.com type:jetbrains": 1,
		"workspace_id:" + w.ID.String(): 2, "workspace_id:" + api.NewID().String(): 0, "organization:coder": 2, "organization:nowhere": 0,
		"status:completed": 0, "connected_after:2020-01-01": 2, "connected_before:2020-01-01": 0, "username:bob": 0,
		`connected_before:"2999-01-01T00:00:00Z"`: 2, "user_email:x@y.z": 0, "connected_after:" + today + " connected_before:" + today: 2,
	} {
		require.Len(t, r.connections(q), want, q)
	}
	for _, q := range []string{"type:telnet", "status:open", "connected_after:soon", "workspace_id:x", "nothing:x", "words"} {
		e := coderdtest.Do[api.Error](t, r.owner, http.StatusBadRequest, http.MethodGet, "/api/v2/connectionlog?q="+url.QueryEscape(q), nil)
		require.Equal(t, "q", e.Validations[0].Field, q)
	}
	page := coderdtest.Do[api.ConnectionLogResponse](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/connectionlog?limit=1&offset=1", nil)
	require.Len(t, page.ConnectionLogs, 1)
	require.Equal(t, 2, page.Count)
	r.call(r.member, http.StatusNotFound, http.MethodGet, "/api/v2/connectionlog", nil)
	auditor := r.d.NewUser(t, r.owner, "carol", "auditor")
	r.call(auditor, http.StatusOK, http.MethodGet, "/api/v2/connectionlog", nil)
}

// silent is a network whose agents take every stream and say nothing.
type silent struct{}

func (silent) DialAgent(context.Context, api.ID, uint16) (net.Conn, error) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far); _ = far.Close() }()
	return near, nil
}

// TestTerminalComesBack: a terminal that is opened again is one connection and one
// audit entry; another terminal is another.
func TestTerminalComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *coderdtest.Config) { c.Dialer = silent{} })
	_, a := r.running("dev", "tok")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	open := func(terminal api.ID) *wsconn.Conn {
		t.Helper()
		ws, err := wsconn.Dial(ctx, r.d.URL.String()+"/api/v2/workspaceagents/"+a.ID.String()+"/pty?reconnect="+terminal.String(),
			wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
		require.NoError(t, err)
		return ws
	}
	audited := func() int {
		return coderdtest.Do[api.AuditLogResponse](t, r.owner, http.StatusOK, http.MethodGet,
			"/api/v2/audit?q=action:connect+resource_type:workspace_agent+username:bob", nil).Count
	}
	until := func(status string, n int) {
		t.Helper()
		require.Eventually(t, func() bool { return len(r.connections("type:reconnecting_pty status:"+status)) == n }, 20*time.Second, 5*time.Millisecond)
	}
	terminal := api.NewID()
	for range 3 {
		ws := open(terminal)
		until("ongoing", 1)
		_ = ws.Close(wsconn.CodeNormal, "")
		_ = ws.CloseNow()
		until("completed", 1)
	}
	require.Equal(t, 1, audited())
	log := r.connections("username:bob")
	require.Len(t, log, 1)
	require.Equal(t, "bob", log[0].WebInfo.User.Username)
	require.Equal(t, http.StatusSwitchingProtocols, log[0].WebInfo.StatusCode)
	require.Equal(t, "127.0.0.1", log[0].IP)
	ws := open(api.NewID())
	defer ws.CloseNow() //nolint:errcheck // the test is over
	until("ongoing", 1)
	require.Equal(t, 2, audited())

	// The agent cannot end what the server carries.
	r.call(r.d.Client("tok"), http.StatusNoContent, http.MethodPost, me+"/connections",
		agentrpc.Connection{ID: r.connections("status:ongoing")[0].SSHInfo.ConnectionID, Action: agentrpc.ConnectionEnded, Type: api.ConnectionSSH})
	until("ongoing", 1)
}

// TestLostConnectionsEnd: an agent that is gone says no more of its connections.
func TestLostConnectionsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, gone := r.running("gone", "tok")
	_, here := r.running("here", "tok2")
	for _, token := range []api.Secret{"tok", "tok2"} {
		r.call(r.d.Client(token), http.StatusNoContent, http.MethodPost, me+"/connections",
			agentrpc.Connection{ID: api.NewID(), Action: agentrpc.ConnectionBegan, Type: api.ConnectionSSH})
	}
	set := func(id api.ID, ago string) {
		_, err := r.d.DB.Pool().Exec(t.Context(), `update workspace_agents set first_connected_at = now() - interval '1 day', last_connected_at = now() - $2::interval where id = $1`, id, ago)
		require.NoError(t, err)
	}
	set(gone.ID, "11 minutes")
	set(here.ID, "1 minute")
	log, err := connectionlog.New(r.d.DB)
	require.NoError(t, err)
	n, err := log.CloseLost(t.Context(), 10*time.Minute, 100)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	left := r.connections("status:ongoing")
	require.Len(t, left, 1)
	require.Equal(t, "here", left[0].WorkspaceName)
	require.Equal(t, "The agent is gone.", r.connections("status:completed")[0].SSHInfo.DisconnectReason)

	_, err = r.d.DB.Pool().Exec(t.Context(), `update connection_logs set connect_time = now() - interval '40 days' where workspace_name = 'gone'`)
	require.NoError(t, err)
	n, err = log.DeleteOld(t.Context(), 30*24*time.Hour, 100)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Len(t, r.connections(""), 1)
}
