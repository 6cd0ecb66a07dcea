package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

const (
	agentCallTimeout = 30 * time.Second
	maxAgentResponse = 16 << 20
	maxErrorDetail   = 300
)

// AgentClient makes the calls of agentrpc as one agent. URL is the access URL,
// with or without a trailing slash. HTTP may be nil for http.DefaultTransport.
// Every method blocks until the answer, ctx, or a timeout of 30 s (Manifest:
// agentrpc.HoldTime more). An answer other than 2xx is an *api.Error. Unlike a
// Client it never retries: the agent knows how long it may wait.
type AgentClient struct {
	URL   string
	Token api.Secret
	HTTP  *http.Client
}

// Manifest fetches the manifest. The server may hold the request.
func (c *AgentClient) Manifest(ctx context.Context) (agentrpc.Manifest, error) {
	ctx, cancel := context.WithTimeout(ctx, agentrpc.HoldTime+agentCallTimeout)
	defer cancel()
	var m agentrpc.Manifest
	err := c.call(ctx, http.MethodGet, agentrpc.PathManifest, nil, &m)
	return m, err
}

// PostStartup introduces the process.
func (c *AgentClient) PostStartup(ctx context.Context, v agentrpc.Startup) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathStartup, v)
}

// PostLifecycle reports a change of the lifecycle.
func (c *AgentClient) PostLifecycle(ctx context.Context, v agentrpc.Lifecycle) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathLifecycle, v)
}

// PatchLogs appends lines.
func (c *AgentClient) PatchLogs(ctx context.Context, v agentrpc.PatchLogs) error {
	return c.send(ctx, http.MethodPatch, agentrpc.PathLogs, v)
}

// PostScriptResult reports one run of a script.
func (c *AgentClient) PostScriptResult(ctx context.Context, v agentrpc.ScriptResult) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathScriptResult, v)
}

// PostMetadata reports changed values.
func (c *AgentClient) PostMetadata(ctx context.Context, v agentrpc.Metadata) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathMetadata, v)
}

// PostAppHealth reports changed healths.
func (c *AgentClient) PostAppHealth(ctx context.Context, v agentrpc.AppHealth) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathAppHealth, v)
}

func (c *AgentClient) send(ctx context.Context, method, path string, body any) error {
	ctx, cancel := context.WithTimeout(ctx, agentCallTimeout)
	defer cancel()
	return c.call(ctx, method, path, body, nil)
}

func (c *AgentClient) call(ctx context.Context, method, path string, body, into any) error {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode %s: %w", path, err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.URL, "/")+path, payload)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	req.Header.Set(api.SessionTokenHeader, c.Token.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http().Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	defer resp.Body.Close()
	limited := io.LimitReader(resp.Body, maxAgentResponse)
	if resp.StatusCode/100 != 2 {
		return agentError(resp, limited)
	}
	if into == nil {
		_, _ = io.Copy(io.Discard, limited) // so that the connection is used again
		return nil
	}
	if err := json.NewDecoder(limited).Decode(into); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}

// http never follows a redirect: net/http would take our token header along to
// whatever host is named there.
func (c *AgentClient) http() *http.Client {
	var h http.Client
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

func agentError(resp *http.Response, body io.Reader) error {
	raw, _ := io.ReadAll(body)
	e := &api.Error{}
	if json.Unmarshal(raw, e) != nil || e.Message == "" {
		e = &api.Error{Message: fmt.Sprintf("The server answered %s.", resp.Status)}
		if len(raw) <= maxErrorDetail {
			e.Detail = strings.ToValidUTF8(strings.TrimSpace(string(raw)), "\uFFFD")
		}
	}
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 {
		e.Code = api.CodeInvalid
		e.Message = fmt.Sprintf("The server redirects to %.200q. Use its final address as the agent's URL.", to)
	}
	if e.Code == "" {
		e.Code = codeOfStatus(resp.StatusCode)
	}
	return e
}

func codeOfStatus(status int) api.Code {
	switch status {
	case http.StatusUnauthorized:
		return api.CodeUnauthenticated
	case http.StatusForbidden:
		return api.CodeForbidden
	case http.StatusNotFound:
		return api.CodeNotFound
	case http.StatusConflict:
		return api.CodeConflict
	case http.StatusRequestEntityTooLarge:
		return api.CodeTooLarge
	case http.StatusUnsupportedMediaType:
		return api.CodeUnsupported
	case http.StatusTooManyRequests:
		return api.CodeRateLimited
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return api.CodeUnavailable
	}
	if status < 500 {
		return api.CodeInvalid
	}
	return api.CodeInternal
}
