package agents_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
	"coder.internal/internal/mux"
)

// TestStreams: an agent with its token carries streams, until a newer build has
// taken over. Nobody else does.
func TestStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, a := r.running("dev", "tok")
	r.call(r.d.Client("tok"), http.StatusUpgradeRequired, http.MethodGet, me+"/streams", nil)
	r.call(r.member, http.StatusUnauthorized, http.MethodGet, me+"/streams", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	bad := &client.AgentClient{URL: r.d.URL.String(), Token: "bad"}
	_, err := bad.Streams(ctx)
	require.Equal(t, api.CodeUnauthenticated, api.CodeOf(err), "%v", err)

	good := &client.AgentClient{URL: r.d.URL.String() + "/", Token: "tok"}
	dialling, done := context.WithCancel(ctx)
	conn, err := good.Streams(dialling)
	require.NoError(t, err)
	done() // it bounds the way there alone
	session := mux.New(conn, mux.Options{Handler: func(st *mux.Stream) {
		target, err := agentrpc.ReadTarget(st)
		if err == nil && agentrpc.WriteAnswer(st, nil) == nil {
			_, _ = io.WriteString(st, target.Address)
		}
	}})
	ended := make(chan error, 1)
	go func() { ended <- session.Run(context.WithoutCancel(ctx)) }()
	t.Cleanup(func() { _ = session.Close() })
	st, err := r.d.Streams.DialAgent(ctx, a.ID, "tcp", "127.0.0.1:80")
	for err != nil && ctx.Err() == nil { // the replica may not have begun to serve it
		st, err = r.d.Streams.DialAgent(ctx, a.ID, "tcp", "127.0.0.1:80")
	}
	require.NoError(t, err)
	p, err := io.ReadAll(st)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:80", string(p))
	require.NoError(t, st.Close())

	r.call(r.member, http.StatusCreated, http.MethodPost, "/api/v2/workspaces/"+w.ID.String()+"/builds", api.CreateWorkspaceBuildRequest{Transition: "start"})
	r.complete(r.acquire(), "newer")
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-ctx.Done():
		t.Fatal("the connection of the old agent stays")
	}
	_, err = good.Streams(ctx)
	require.Equal(t, api.CodeUnauthenticated, api.CodeOf(err), "%v", err)
}

// The command of an app is told to who may open a terminal, by its slug alone.
func TestAppCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, a := r.running("dev", "tok")
	pty := "/api/v2/workspaceagents/" + a.ID.String() + "/pty?reconnect=" + api.NewID().String() + "&app="
	carol := r.d.NewUser(t, r.owner, "carol")
	r.call(carol, http.StatusNotFound, http.MethodGet, pty+"shell", nil)
	r.call(r.member, http.StatusNotFound, http.MethodGet, pty+"none", nil)
	r.call(r.member, http.StatusBadRequest, http.MethodGet, pty+"code", nil)
	r.call(r.member, http.StatusBadRequest, http.MethodGet, pty+"shell&command=id", nil)
	r.call(r.member, http.StatusUpgradeRequired, http.MethodGet, pty+"shell", nil)
}
