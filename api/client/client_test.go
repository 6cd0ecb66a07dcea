package client_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/internal/wsconn"
)

func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *client.Client) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return srv, client.New(u, client.WithToken("secret-token"), client.WithHeader(http.Header{"X-Extra": {"1"}}))
}

func TestRedirectToAnotherHostGetsNoToken(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	t.Cleanup(other.Close)
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	_, err := c.User(context.Background(), "me")
	require.ErrorContains(t, err, "redirects to "+other.URL)
	_, err = c.Coordinate(context.Background(), api.NewID(), api.NewID())
	require.Error(t, err)
	require.Zero(t, leaked.Load(), "the other host was asked")
}

func TestRedirectInsideTheHostIsFollowed(t *testing.T) {
	t.Parallel()
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("again") == "" {
			http.Redirect(w, r, r.URL.Path+"?again=1", http.StatusTemporaryRedirect)
			return
		}
		require.Equal(t, "secret-token", r.Header.Get(api.SessionTokenHeader))
		_ = json.NewEncoder(w).Encode(api.User{Username: "alice"})
	})
	u, err := c.User(context.Background(), "me")
	require.NoError(t, err)
	require.Equal(t, "alice", u.Username)
}

func TestErrorsAreRebuilt(t *testing.T) {
	t.Parallel()
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v2/users/coded":
			w.WriteHeader(409)
			_, _ = w.Write([]byte(`{"code":"conflict","message":"taken","validations":[{"field":"name","detail":"exists"}]}`))
		case "/api/v2/users/old":
			w.WriteHeader(401)
			_, _ = w.Write([]byte(`{"message":"who are you?"}`))
		default:
			w.WriteHeader(502)
			_, _ = w.Write([]byte("<html>bad gateway</html>"))
		}
	})
	_, err := c.User(context.Background(), "coded")
	var ae *api.Error
	require.ErrorAs(t, err, &ae)
	require.Equal(t, api.Error{Code: api.CodeConflict, Message: "taken", Validations: []api.ValidationError{{Field: "name", Detail: "exists"}}}, *ae)
	_, err = c.User(context.Background(), "old")
	require.Equal(t, api.CodeUnauthenticated, api.CodeOf(err))
	_, err = c.User(context.Background(), "proxy")
	require.ErrorContains(t, err, "status 502, but not as a Coder deployment")
	require.Equal(t, api.CodeUnavailable, api.CodeOf(err))
}

// breaking drops the first n connections after it has read from them.
func breaking(t *testing.T, n int32, h http.Handler) (*url.URL, *atomic.Int32) {
	t.Helper()
	var seen atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= n {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
			return
		}
		h.ServeHTTP(w, r)
	}))
	srv.Start()
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return u, &seen
}

func TestReadsAreSentAgainWritesAreNot(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"username":"alice"}`)) })
	u, seen := breaking(t, 2, ok)
	got, err := client.New(u).User(context.Background(), "me")
	require.NoError(t, err)
	require.Equal(t, "alice", got.Username)
	require.EqualValues(t, 3, seen.Load())

	u, seen = breaking(t, 2, ok)
	_, err = client.New(u).CreateUser(context.Background(), api.CreateUserRequest{Username: "bob"})
	var ur *client.UnreachableError
	require.ErrorAs(t, err, &ur)
	require.EqualValues(t, 1, seen.Load(), "a write that may have arrived was sent again")
}

func TestBuildLogsResumeAfterABreak(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
		if err != nil {
			return
		}
		if dials.Add(1) == 1 {
			_ = ws.Write(r.Context(), api.ProvisionerJobLog{ID: 7, Output: "one"})
			_ = ws.Close(wsconn.CodeGoingAway, "restart")
			return
		}
		if r.URL.Query().Get("after") == "7" {
			_ = ws.Write(r.Context(), api.ProvisionerJobLog{ID: 8, Output: "two"})
		}
		_ = ws.Close(wsconn.CodeNormal, "")
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var lines []string
	err := c.FollowBuildLogs(ctx, api.NewID(), 0, func(l api.ProvisionerJobLog) error {
		lines = append(lines, l.Output)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two"}, lines)
}

func TestPathSegmentsAreEscaped(t *testing.T) {
	t.Parallel()
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/api/v2/users/a%2F..%2Fb", r.URL.EscapedPath())
		_, _ = w.Write([]byte(`{}`))
	})
	_, err := c.User(context.Background(), "a/../b")
	require.NoError(t, err)
}
