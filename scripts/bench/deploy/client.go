package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coder/websocket"

	"coder.internal/api"
	"coder.internal/scripts/bench/proc"
)

const (
	maxAnswer = 16 << 20 // bytes
	jobWithin = 2 * time.Minute
)

// Client is one signed-in person: the command line with its own configuration
// directory, and the API with the same session.
type Client struct {
	Binary string
	Dir    string // HOME; the configuration is below it
	URL    string
	token  string
	http   *http.Client
}

// Login makes the first user of a new server and signs in.
func Login(ctx context.Context, binary, dir, url, password string) (*Client, error) {
	c := &Client{Binary: binary, Dir: dir, URL: url, http: &http.Client{Timeout: time.Minute}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	spec := c.Spec("login", url)
	spec.Env = append(spec.Env, "CODER_FIRST_USER_EMAIL=admin@localhost.example", "CODER_FIRST_USER_USERNAME=admin",
		"CODER_FIRST_USER_PASSWORD="+password)
	if _, err := proc.Run(ctx, spec); err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(c.config(), "session"))
	if err != nil {
		return nil, fmt.Errorf("session after login: %w", err)
	}
	c.token = strings.TrimSpace(string(token))
	return c, nil
}

func (c *Client) config() string { return filepath.Join(c.Dir, "config") }

// Env is the environment of the command line; it names no other deployment.
func (c *Client) Env() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "LANG=C.UTF-8", "CODER_CONFIG_DIR=" + c.config()}
}

// Spec is the command line with these arguments.
func (c *Client) Spec(args ...string) proc.Spec {
	return proc.Spec{Path: c.Binary, Args: args, Dir: c.Dir, Env: c.Env()}
}

// Run runs the command line to its end.
func (c *Client) Run(ctx context.Context, args ...string) (proc.Result, error) {
	return proc.Run(ctx, c.Spec(args...))
}

// Token is the session's.
func (c *Client) Token() string { return c.token }

// Get reads a JSON answer of the API into v.
func (c *Client) Get(ctx context.Context, path string, v any) error {
	return c.call(ctx, http.MethodGet, path, nil, v)
}

// Post sends in and reads the answer into v.
func (c *Client) Post(ctx context.Context, path string, in, v any) error {
	return c.call(ctx, http.MethodPost, path, in, v)
}

func (c *Client) call(ctx context.Context, method, path string, in, v any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(api.SessionTokenHeader, c.token)
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.500s", method, path, res.Status, text)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// follow reads a log stream until the server ends it, which is when the job is
// done. It returns an error only when ctx ended: whether the job is done is
// asked for afterwards in any case.
func (c *Client) follow(ctx context.Context, path string) error {
	header := http.Header{}
	header.Set(api.SessionTokenHeader, c.token)
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.URL, "http")+path, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	defer conn.CloseNow() //nolint:errcheck // read to its end
	conn.SetReadLimit(maxAnswer)
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return ctx.Err()
		}
	}
}

// Build starts a build and waits for its end. wall is the time from the request
// to the end of the build's log.
func (c *Client) Build(ctx context.Context, workspace api.ID, t api.Transition) (b api.WorkspaceBuild, wall time.Duration, err error) {
	start := time.Now()
	path := "/api/v2/workspaces/" + workspace.String() + "/builds"
	if err := c.Post(ctx, path, api.CreateWorkspaceBuildRequest{Transition: t}, &b); err != nil {
		return b, 0, err
	}
	path = "/api/v2/workspacebuilds/" + b.ID.String()
	if err := c.follow(ctx, path+"/logs?follow&after=0"); err != nil {
		return b, 0, err
	}
	wall = time.Since(start)
	err = proc.Until(ctx, "the end of the build", 20*time.Millisecond, jobWithin, func() (bool, error) {
		err := c.Get(ctx, path, &b)
		return b.Job.Status.Done(), err
	})
	if err == nil {
		err = succeeded(b.Job)
	}
	return b, wall, err
}

func succeeded(j api.ProvisionerJob) error {
	if j.Status != api.JobSucceeded {
		return fmt.Errorf("job %s is %s: %s", j.ID, j.Status, j.Error)
	}
	return nil
}

// JobTime is the time from the start of a job to its end, by the server's clock.
func JobTime(j api.ProvisionerJob) (time.Duration, error) {
	if err := succeeded(j); err != nil {
		return 0, err
	}
	if j.StartedAt == nil || j.CompletedAt == nil {
		return 0, fmt.Errorf("job %s has no times", j.ID)
	}
	return j.CompletedAt.Sub(*j.StartedAt), nil
}

// Workspace finds a workspace of ours by its name.
func (c *Client) Workspace(ctx context.Context, name string) (api.Workspace, error) {
	var w api.Workspace
	err := c.Get(ctx, "/api/v2/users/me/workspace/"+name, &w)
	return w, err
}

// Connected waits until the first agent of a build has connected, and returns
// it.
func (c *Client) Connected(ctx context.Context, build api.ID) (api.WorkspaceAgent, error) {
	var agent api.WorkspaceAgent
	err := proc.Until(ctx, "the agent", 20*time.Millisecond, time.Minute, func() (bool, error) {
		var b api.WorkspaceBuild
		if err := c.Get(ctx, "/api/v2/workspacebuilds/"+build.String(), &b); err != nil {
			return false, err
		}
		for _, r := range b.Resources {
			for _, a := range r.Agents {
				agent = a
				return a.FirstConnectedAt != nil && a.Status == api.AgentConnected, nil
			}
		}
		return false, nil
	})
	return agent, err
}
