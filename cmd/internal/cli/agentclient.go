package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"coder.internal/api"
	"coder.internal/api/client"
)

// maxAgentToken bounds a file with an agent's token, in bytes.
const maxAgentToken = 4 << 10

// AgentClient returns a client that speaks as the agent of the workspace in which
// this process runs. The agent leaves its token and address in the environment of
// all that it starts, whatever way it proved itself by.
func (e *Env) AgentClient(ctx context.Context) (*client.AgentClient, error) {
	token, err := e.agentToken()
	if err != nil {
		return nil, err
	}
	if token == "" || e.Global.AgentURL == "" {
		return nil, &api.Error{Code: api.CodeInvalid, Message: "This command works inside of a workspace only, " +
			"where CODER_AGENT_TOKEN and CODER_AGENT_URL are set."}
	}
	u, err := ParseURL(e.Global.AgentURL)
	if err != nil {
		return nil, err
	}
	tr, err := client.NewTransport(client.TLSFiles{CA: e.Global.TLSCAFile, Cert: e.Global.TLSCertFile, Key: e.Global.TLSKeyFile})
	if err != nil {
		return nil, err
	}
	var pairs []string
	if v := e.Getenv("CODER_AGENT_HEADER"); v != "" {
		_ = (&listValue{&pairs}).Set(v) // any text is a list
	}
	header, err := ExtraHeader(ctx, pairs, e.Getenv("CODER_AGENT_HEADER_COMMAND"), "agent-header")
	if err != nil {
		return nil, err
	}
	return &client.AgentClient{URL: u.String(), Token: token, HTTP: &http.Client{Transport: WithHeader(tr, header)}}, nil
}

func (e *Env) agentToken() (api.Secret, error) {
	if t := strings.TrimSpace(e.Global.AgentToken); t != "" || e.Global.AgentTokenFile == "" {
		return api.Secret(t), nil
	}
	f, err := os.Open(e.Global.AgentTokenFile)
	if err != nil {
		return "", fmt.Errorf("read token file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAgentToken))
	if err != nil {
		return "", fmt.Errorf("read token file: %w", err)
	}
	return api.Secret(strings.TrimSpace(string(b))), nil
}

// WithHeader returns a transport that adds header to each request.
func WithHeader(next http.RoundTripper, header http.Header) http.RoundTripper {
	if len(header) == 0 {
		return next
	}
	return headerTransport{next, header}
}

type headerTransport struct {
	next   http.RoundTripper
	header http.Header
}

// RoundTrip implements http.RoundTripper.
func (t headerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for k, v := range t.header {
		r.Header[k] = append(r.Header[k], v...)
	}
	return t.next.RoundTrip(r)
}
