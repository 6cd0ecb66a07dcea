package agentcmd

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/clock"
)

// metadata plays the metadata services of all clouds, with their headers.
func metadata(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(pattern, header, value, text string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(header) != value {
				http.Error(w, "no", http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, strings.ReplaceAll(text, "AUDIENCE", r.URL.Query().Get("audience")))
		})
	}
	answer("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60", "session")
	answer("GET /latest/dynamic/instance-identity/document", "X-aws-ec2-metadata-token", "session", "the document")
	answer("GET /latest/dynamic/instance-identity/signature", "X-aws-ec2-metadata-token", "session", "the signature")
	answer("GET /metadata/attested/document", "Metadata", "true", `{"encoding":"pkcs7","signature":"signed"}`)
	answer("GET /computeMetadata/v1/instance/service-accounts/default/identity", "Metadata-Flavor", "Google", "jwt-for-AUDIENCE\n")
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	meta := metadata(t)
	for auth, want := range map[string]map[string]string{
		"aws-instance-identity":    {"document": "the document", "signature": "the signature", "agent_name": "second"},
		"azure-instance-identity":  {"encoding": "pkcs7", "signature": "signed", "agent_name": "second"},
		"google-instance-identity": {"json_web_token": "jwt-for-SERVER", "agent_name": "second"},
	} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tries.Add(1) == 1 { // the build is not done yet
					http.Error(w, `{"code":"not_found","message":"Not yet."}`, http.StatusNotFound)
					return
				}
				var got map[string]string
				assert.Equal(t, "/api/v2/workspaceagents/"+auth, r.URL.Path)
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&got))
				assert.Equal(t, want["document"], got["document"])
				assert.Equal(t, want["signature"], got["signature"])
				assert.Equal(t, want["encoding"], got["encoding"])
				assert.Equal(t, strings.Replace(want["json_web_token"], "SERVER", "http://"+r.Host, 1), got["json_web_token"])
				assert.Equal(t, "second", got["agent_name"])
				_, _ = io.WriteString(w, `{"session_token":"fresh"}`)
			}))
			t.Cleanup(srv.Close)
			u, err := url.Parse(srv.URL + "/")
			require.NoError(t, err)
			env := &cli.Env{Clock: clock.Real(), Getenv: func(k string) string { return map[string]string{"CODER_AGENT_METADATA_URL": meta}[k] }}
			env.Global.AgentAuth, env.Global.AgentName = auth, "second"
			p, err := proof(env, u)
			require.NoError(t, err)
			token, err := signIn(t.Context(), env, slog.New(slog.DiscardHandler), p, &client.AgentClient{URL: srv.URL})
			require.NoError(t, err)
			require.Equal(t, "fresh", token.Reveal())
			require.EqualValues(t, 2, tries.Load())
		})
	}
}

func TestProofNamesTheWays(t *testing.T) {
	t.Parallel()
	env := &cli.Env{Getenv: func(string) string { return "" }}
	env.Global.AgentAuth = "magic"
	_, err := proof(env, &url.URL{})
	require.ErrorContains(t, err, "google-instance-identity")
	env.Global.AgentAuth = "token"
	p, err := proof(env, &url.URL{})
	require.NoError(t, err)
	require.Nil(t, p)
}
