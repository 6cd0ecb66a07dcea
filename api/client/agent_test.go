package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
)

func TestAgentErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   api.Code
		text   string
	}{
		"ours":     {401, `{"code":"unauthenticated","message":"Unknown token."}`, api.CodeUnauthenticated, "Unknown token."},
		"no code":  {503, `{"message":"Later."}`, api.CodeUnavailable, "Later."},
		"balancer": {502, "<html>bad gateway</html>", api.CodeUnavailable, "The server answered 502 Bad Gateway.\n<html>bad gateway</html>"},
		"too big":  {413, "", api.CodeTooLarge, "The server answered 413 Request Entity Too Large."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(srv.Close)
			err := (&client.AgentClient{URL: srv.URL + "/"}).PostStartup(context.Background(), agentrpc.Startup{})
			require.Equal(t, c.code, api.CodeOf(err))
			require.EqualError(t, err, c.text)
		})
	}
}

// The token must not travel to a host that an answer names.
func TestAgentTokenStaysHere(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	_, err := (&client.AgentClient{URL: srv.URL, Token: "secret", HTTP: srv.Client()}).Manifest(context.Background())
	srv.Close()
	other.Close()
	require.ErrorContains(t, err, "redirects to")
	require.False(t, asked)
}
