package agents_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/coderdtest"
)

// inbound is an agent's port: what it answers, over real connections.
type inbound struct{ address string }

func (d *inbound) DialAgent(ctx context.Context, _ api.ID, port uint16) (net.Conn, error) {
	if port != agentrpc.PortInspect || d.address == "" {
		return nil, errors.New("refused")
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", d.address)
}

// TestListeningPorts: an agent's answer is checked, cut and limited, and nobody
// else may ask.
func TestListeningPorts(t *testing.T) {
	t.Parallel()
	var answer http.HandlerFunc
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) })} //nolint:gosec // a test
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	d := &inbound{address: l.Addr().String()}
	r := newRig(t, func(c *coderdtest.Config) { c.Dialer = d })
	_, a := r.running("dev", "tok")
	path := "/api/v2/workspaceagents/" + a.ID.String() + "/listening-ports"

	r.call(r.member, http.StatusConflict, http.MethodGet, path, nil) // it has not connected
	_, err = r.d.DB.Pool().Exec(t.Context(), "update workspace_agents set first_connected_at = now(), last_connected_at = now() where id = $1", a.ID)
	require.NoError(t, err)

	answer = func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, agentrpc.PathListeningPorts, r.URL.Path)
		assert.Empty(t, r.Header.Get(api.SessionTokenHeader), "our credentials stay here")
		_, _ = io.WriteString(w, `{"ports": [{"port": 8080, "network": "evil", "process_name": "`+strings.Repeat("x", 500)+`"}, {"port": 3}, {"port": 70000}]}`)
	}
	got := coderdtest.Do[api.AgentListeningPorts](t, r.member, http.StatusOK, http.MethodGet, path, nil)
	require.Equal(t, []api.AgentListeningPort{{Port: 8080, Network: "tcp", ProcessName: strings.Repeat("x", agentrpc.MaxProcessName)}}, got.Ports)

	for name, h := range map[string]http.HandlerFunc{
		"nonsense": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(endless{}, 2*agentrpc.MaxInspectAnswer))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
		"failure": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	} {
		answer = h
		res, text := r.member.Raw(t, http.MethodGet, path, nil)
		assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode, "%s: %s", name, text)
	}
	d.address = ""
	r.call(r.member, http.StatusServiceUnavailable, http.MethodGet, path, nil)
	r.call(r.d.NewUser(t, r.owner, "carol"), http.StatusNotFound, http.MethodGet, path, nil)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
