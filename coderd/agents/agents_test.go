package agents_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database/pubsub"
	"coder.internal/internal/wsconn"
)

func TestTokensFollowTheNewestBuild(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.call(r.d.Client("nobody"), http.StatusUnauthorized, http.MethodGet, me+"/manifest", nil)
	w, a := r.running("dev", "first")
	m := coderdtest.Do[agentrpc.Manifest](t, r.d.Client("first"), http.StatusOK, http.MethodGet, me+"/manifest", nil)
	assert.Equal(t, a.ID, m.AgentID)
	assert.Equal(t, "bob", m.OwnerName)
	assert.Equal(t, map[string]string{"A": "b"}, m.Env)
	assert.Len(t, m.Scripts, 1)
	assert.Len(t, m.Apps, 2)
	assert.Len(t, m.Metadata, 1)
	r.call(r.d.Client(r.member.Token), http.StatusUnauthorized, http.MethodGet, me+"/manifest", nil)
	r.call(r.d.Client("first"), http.StatusUnauthorized, http.MethodGet, "/api/v2/workspaces", nil)

	path := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	r.call(r.member, http.StatusCreated, http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "start"})
	job := r.acquire()
	// Until the newer build has succeeded the old agent may report.
	r.call(r.d.Client("first"), http.StatusOK, http.MethodGet, me+"/manifest", nil)
	r.complete(job, "second")
	r.call(r.d.Client("first"), http.StatusUnauthorized, http.MethodGet, me+"/manifest", nil)
	r.call(r.d.Client("second"), http.StatusOK, http.MethodGet, me+"/manifest", nil)
	r.call(r.member, http.StatusCreated, http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "stop"})
	r.complete(r.acquire(), "third")
	for _, token := range []api.Secret{"second", "third"} {
		r.call(r.d.Client(token), http.StatusUnauthorized, http.MethodGet, me+"/manifest", nil)
	}
}

// TestEarlyAgentIsHeld: an agent that calls before its build is done gets its
// answer as soon as the build is.
func TestEarlyAgentIsHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, job := r.building("dev")
	type answer struct {
		status int
		at     time.Time
	}
	ask := func(token api.Secret) <-chan answer {
		out := make(chan answer, 1)
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.d.URL.String()+me+"/manifest", nil)
			if err != nil {
				out <- answer{}
				return
			}
			req.Header.Set(api.SessionTokenHeader, token.Reveal())
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				out <- answer{}
				return
			}
			_ = res.Body.Close()
			out <- answer{res.StatusCode, time.Now()}
		}()
		return out
	}
	before, stranger := ask("tok"), ask("never announced") // neither is known yet
	_, err := r.d.Jobs.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt, AgentTokens: []api.Secret{"tok"}})
	require.NoError(t, err)
	after := ask("tok")
	assert.Equal(t, http.StatusUnauthorized, (<-stranger).status, "strangers wait a little, then hear no")
	select {
	case a := <-before:
		t.Fatalf("an announced agent was answered before its build was done: %d", a.status)
	case a := <-after:
		t.Fatalf("an announced agent was answered before its build was done: %d", a.status)
	default:
	}
	r.complete(job, "tok")
	done := time.Now()
	for _, c := range []<-chan answer{before, after} {
		a := <-c
		assert.Equal(t, http.StatusOK, a.status)
		t.Logf("held agent answered %s after the job", a.at.Sub(done))
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, a := r.running("dev", "tok")
	_, other := r.running("other", "other")
	c := r.d.Client("tok")
	r.call(c, http.StatusNoContent, http.MethodPost, me+"/startup", agentrpc.Startup{Version: "v1", ExpandedDirectory: "/home/bob", Subsystems: []string{"envbox"}})
	r.call(c, http.StatusBadRequest, http.MethodPost, me+"/startup", agentrpc.Startup{Subsystems: []string{"evil"}})
	for _, s := range []api.AgentLifecycle{"starting", "starting", "ready"} {
		r.call(c, http.StatusNoContent, http.MethodPost, me+"/lifecycle", agentrpc.Lifecycle{State: s})
	}
	r.call(c, http.StatusConflict, http.MethodPost, me+"/lifecycle", agentrpc.Lifecycle{State: "off"})
	r.call(c, http.StatusBadRequest, http.MethodPost, me+"/lifecycle", agentrpc.Lifecycle{State: "asleep"})
	now := time.Now()
	r.call(c, http.StatusNoContent, http.MethodPost, me+"/script-result", agentrpc.ScriptResult{ScriptID: a.Scripts[0].ID, Stage: "start", Status: "exit_failure", ExitCode: 3, StartedAt: now, EndedAt: now})
	r.call(c, http.StatusBadRequest, http.MethodPost, me+"/script-result", agentrpc.ScriptResult{ScriptID: other.Scripts[0].ID, Stage: "start", Status: "ok"})
	r.call(c, http.StatusNoContent, http.MethodPost, me+"/app-health", agentrpc.AppHealth{Healths: map[string]string{
		a.Apps[0].ID.String(): "healthy", a.Apps[1].ID.String(): "healthy", other.Apps[0].ID.String(): "unhealthy"}})
	r.call(c, http.StatusBadRequest, http.MethodPost, me+"/app-health", agentrpc.AppHealth{Healths: map[string]string{a.Apps[0].ID.String(): "great"}})
	r.call(c, http.StatusNoContent, http.MethodPost, me+"/metadata", agentrpc.Metadata{Values: []agentrpc.MetadataValue{
		{Key: "cpu", Value: strings.Repeat("x", 5000) + "\x00", CollectedAt: now}, {Key: "unknown", Value: "1"}}})
	got := r.agent(a.ID)
	assert.Equal(t, "v1", got.Version)
	assert.Equal(t, []string{"envbox"}, got.Subsystems)
	assert.Equal(t, api.LifecycleReady, got.LifecycleState)
	assert.NotNil(t, got.ReadyAt)
	assert.Equal(t, 3, *got.Scripts[0].ExitCode)
	assert.Equal(t, "healthy", got.Apps[0].Health)
	assert.Equal(t, "disabled", got.Apps[1].Health, "an app without a check has no health")
	assert.Equal(t, "initializing", r.agent(other.ID).Apps[0].Health, "an agent speaks for itself alone")
	var value string
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), "select value from workspace_agent_metadata where agent_id = $1", a.ID).Scan(&value))
	assert.Len(t, value, agentrpc.MaxMetadataValue)
	carol := r.d.NewUser(t, r.owner, "carol")
	r.call(carol, http.StatusNotFound, http.MethodGet, "/api/v2/workspaceagents/"+a.ID.String(), nil)
}

func TestLogs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, a := r.running("dev", "tok")
	c := r.d.Client("tok")
	source := a.LogSources[0].ID
	line := func(s string) agentrpc.Log {
		return agentrpc.Log{CreatedAt: time.Now().UTC(), Level: api.LogInfo, Output: s}
	}
	batch := agentrpc.PatchLogs{LogSourceID: source, Logs: []agentrpc.Log{line("one"), line("tw\x00o \xff")}}
	for range 2 { // sent again, stored once
		r.call(c, http.StatusOK, http.MethodPatch, me+"/logs", batch)
	}
	r.call(c, http.StatusBadRequest, http.MethodPatch, me+"/logs", agentrpc.PatchLogs{LogSourceID: api.NewID(), Logs: batch.Logs})
	path := "/api/v2/workspaceagents/" + a.ID.String() + "/logs"
	logs := coderdtest.Do[[]api.AgentLog](t, r.member, http.StatusOK, http.MethodGet, path, nil)
	require.Len(t, logs, 2)
	assert.NotContains(t, logs[1].Output, "\x00")
	assert.Len(t, coderdtest.Do[[]api.AgentLog](t, r.member, http.StatusOK, http.MethodGet, path+"?after="+strconv.FormatInt(logs[0].ID, 10), nil), 1)
	res, text := r.member.Raw(t, http.MethodGet, path+"?format=text", nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Contains(t, string(text), "[info] one\n")
	r.call(r.member, http.StatusBadRequest, http.MethodGet, path+"?after=x", nil)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ws, err := wsconn.Dial(ctx, r.d.URL.String()+path+"?follow", wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // the end of the test
	var got []api.AgentLog
	require.NoError(t, ws.Read(ctx, &got))
	assert.Len(t, got, 2)
	own := agents.LogSourceRequest{ID: api.NewID(), DisplayName: "Mine", Icon: "/x"}
	r.call(c, http.StatusCreated, http.MethodPost, me+"/log-source", own)
	big := agentrpc.PatchLogs{LogSourceID: own.ID}
	for range 17 {
		big.Logs = append(big.Logs, line(strings.Repeat("x", agentrpc.MaxLogLine+9)))
	}
	r.call(c, http.StatusOK, http.MethodPatch, me+"/logs", big)
	got = nil
	for len(got) < 16 {
		var more []api.AgentLog
		require.NoError(t, ws.Read(ctx, &more))
		got = append(got, more...)
	}
	assert.LessOrEqual(t, len(got[0].Output), agentrpc.MaxLogLine)
	assert.Contains(t, got[len(got)-1].Output, "limit")
	assert.True(t, r.agent(a.ID).LogsOverflowed)
	r.call(c, http.StatusOK, http.MethodPatch, me+"/logs", agentrpc.PatchLogs{LogSourceID: source, Logs: []agentrpc.Log{line("late")}})

	r.call(r.member, http.StatusCreated, http.MethodPost, "/api/v2/workspaces/"+w.ID.String()+"/builds", api.CreateWorkspaceBuildRequest{Transition: "stop"})
	r.complete(r.acquire(), "stopped")
	var ce *wsconn.CloseError
	require.ErrorAs(t, ws.Read(ctx, &got), &ce, "the stream ends with the build")
	assert.Equal(t, wsconn.CodeNormal, ce.Code)
}

func TestConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, a := r.running("dev", "tok")
	assert.Equal(t, api.AgentConnecting, a.Status)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sub := r.d.PubSub.Subscribe(pubsub.TopicAgent(a.ID))
	defer sub.Close()
	dial := func(path string, token api.Secret) (*wsconn.Conn, error) {
		return wsconn.Dial(ctx, r.d.URL.String()+path, wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {token.Reveal()}}})
	}
	await := func(want api.AgentStatus) {
		for {
			got := r.agent(a.ID)
			if got.Status == want {
				return
			}
			select {
			case <-sub.C():
			case <-ctx.Done():
				t.Fatalf("agent is %s, want %s", got.Status, want)
			}
		}
	}
	_, err := dial(me+"/coordinate", "bad")
	require.ErrorContains(t, err, "401")
	first, err := dial(me+"/coordinate", "tok")
	require.NoError(t, err)
	var m tailrpc.ServerMessage
	require.NoError(t, first.Read(ctx, &m))
	assert.Equal(t, a.ID, m.Self)
	await(api.AgentConnected)
	second, err := dial(me+"/coordinate", "tok")
	require.NoError(t, err)
	require.NoError(t, second.Read(ctx, &m))
	for err = nil; err == nil; err = first.Read(ctx, &m) { // the newer one wins
	}
	await(api.AgentConnected)

	client := "/api/v2/workspaceagents/" + a.ID.String() + "/coordinate"
	_, err = dial(client, r.d.NewUser(t, r.owner, "carol").Token)
	require.ErrorContains(t, err, "404")
	_, err = dial(client+"?client_id=x", r.member.Token)
	require.ErrorContains(t, err, "400")
	conn, err := dial(client, r.member.Token)
	require.NoError(t, err)
	require.NoError(t, conn.Read(ctx, &m))
	_ = conn.CloseNow()
	info := coderdtest.Do[tailrpc.ConnectionInfo](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/connection", nil)
	assert.Equal(t, "coder", info.HostnameSuffix)
	r.call(r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/"+a.ID.String()+"/connection", nil)

	// A newer build ends the connection of the old agent.
	r.call(r.member, http.StatusCreated, http.MethodPost, "/api/v2/workspaces/"+w.ID.String()+"/builds", api.CreateWorkspaceBuildRequest{Transition: "start"})
	r.complete(r.acquire(), "newer")
	var ce *wsconn.CloseError
	for err = nil; err == nil; err = second.Read(ctx, &m) {
	}
	require.ErrorAs(t, err, &ce)
	assert.Equal(t, wsconn.CodePolicy, ce.Code)
	await(api.AgentDisconnected)
}

func TestStatusOnDatabaseTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, a := r.running("dev", "tok")
	set := func(sql string) api.AgentStatus {
		_, err := r.d.DB.Pool().Exec(t.Context(), "update workspace_agents set "+sql+" where id = $1", a.ID)
		require.NoError(t, err)
		return r.agent(a.ID).Status
	}
	assert.Equal(t, api.AgentConnecting, set("connection_timeout_seconds = 1000"))
	assert.Equal(t, api.AgentTimeout, set("connection_timeout_seconds = 60, created_at = now() - interval '61 seconds'"))
	assert.Equal(t, api.AgentConnected, set("first_connected_at = now(), last_connected_at = now() - interval '50 seconds'"))
	assert.Equal(t, api.AgentDisconnected, set("last_connected_at = now() - interval '61 seconds'"), "its server died")
	assert.Equal(t, api.AgentDisconnected, set("last_connected_at = now(), disconnected_at = now()"))
}
