package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// dial opens a websocket with the headers and the limits of c.
func (c *Client) dial(ctx context.Context, p string, q url.Values, limit int64) (*wsconn.Conn, error) {
	return c.dialAs(ctx, p, q, limit, c.Header())
}

// dialAs is dial with other headers than those of c.
func (c *Client) dialAs(ctx context.Context, p string, q url.Values, limit int64, header http.Header) (*wsconn.Conn, error) {
	conn, err := wsconn.Dial(ctx, c.address(p, q).String(), wsconn.DialOptions{
		HTTPClient: c.http, Header: header, ReadLimit: limit})
	if err == nil {
		return conn, nil
	}
	var ae *api.Error
	if errors.As(err, &ae) {
		return nil, ae
	}
	var se *wsconn.StatusError
	if errors.As(err, &se) {
		var e api.Error
		if json.Unmarshal(se.Body, &e) == nil && e.Message != "" {
			if e.Code == "" {
				e.Code = codeOfStatus(se.StatusCode)
			}
			return nil, &e
		}
		return nil, &api.Error{Code: codeOfStatus(se.StatusCode), Message: fmt.Sprintf(
			"%s answered with status %d instead of a websocket. A proxy in between may not pass websockets.", p, se.StatusCode)}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, &UnreachableError{URL: c.url.Redacted(), Err: err}
}

// Coordinate opens the node exchange with an agent (see api/tailrpc). clientID
// is the id that this process made for itself; the caller keeps it when it dials
// again and owns the connection.
func (c *Client) Coordinate(ctx context.Context, agentID, clientID api.ID) (*wsconn.Conn, error) {
	q := url.Values{tailrpc.ClientIDParam: {clientID.String()}}
	return c.dial(ctx, path("workspaceagents", agentID.String(), "coordinate"), q, tailrpc.MaxMessage)
}

// followRetries bounds how often a broken log stream is opened again in a row.
const followRetries = 5

// follow reads messages of type T until the server ends the stream in order. A
// stream that breaks is opened again after the last line that was read; emit
// returns that line's id.
func follow[T any](ctx context.Context, c *Client, p string, after int64, emit func(T) (int64, error)) error {
	failures := 0
	for {
		q := url.Values{"follow": {"true"}, "after": {strconv.FormatInt(after, 10)}}
		last, read, err := followOnce(ctx, c, p, q, emit)
		if read {
			after, failures = max(after, last), 0
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var stop *emitError
		if errors.As(err, &stop) {
			return stop.err
		}
		var ae *api.Error
		if failures++; failures > followRetries || errors.As(err, &ae) && ae.Code != api.CodeUnavailable {
			return fmt.Errorf("follow %s: %w", p, err)
		}
		if err := c.backoff(ctx, min(failures, attempts)); err != nil {
			return err
		}
	}
}

// emitError marks an error of the reader of a stream, not of the stream.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

func followOnce[T any](ctx context.Context, c *Client, p string, q url.Values, emit func(T) (int64, error)) (last int64, read bool, err error) {
	conn, err := c.dial(ctx, p, q, wsconn.DefaultReadLimit)
	if err != nil {
		return 0, false, err
	}
	defer conn.CloseNow()
	for {
		var v T
		if err := conn.Read(ctx, &v); err != nil {
			var ce *wsconn.CloseError
			if errors.As(err, &ce) && ce.Code == wsconn.CodeNormal {
				return last, read, nil
			}
			return last, read, err
		}
		id, err := emit(v)
		if err != nil {
			return last, read, &emitError{err}
		}
		last, read = max(last, id), true
	}
}

// followJob follows provisioner logs. emit is called for each line in order.
func (c *Client) followJob(ctx context.Context, p string, after int64, emit func(api.ProvisionerJobLog) error) error {
	return follow(ctx, c, p, after, func(l api.ProvisionerJobLog) (int64, error) { return l.ID, emit(l) })
}

// FollowBuildLogs calls emit for each log line of a build after the given id
// and returns nil once the build is over and all of it was sent. It blocks.
func (c *Client) FollowBuildLogs(ctx context.Context, build api.ID, after int64, emit func(api.ProvisionerJobLog) error) error {
	return c.followJob(ctx, path("workspacebuilds", build.String(), "logs"), after, emit)
}

// FollowTemplateVersionLogs is FollowBuildLogs for the import of a version.
func (c *Client) FollowTemplateVersionLogs(ctx context.Context, version api.ID, after int64, emit func(api.ProvisionerJobLog) error) error {
	return c.followJob(ctx, path("templateversions", version.String(), "logs"), after, emit)
}

// FollowAgentLogs calls emit with batches of an agent's log lines after the
// given id, until ctx ends or the server closes the stream. It blocks.
func (c *Client) FollowAgentLogs(ctx context.Context, agent api.ID, after int64, emit func([]api.AgentLog) error) error {
	return follow(ctx, c, path("workspaceagents", agent.String(), "logs"), after, func(b []api.AgentLog) (int64, error) {
		var last int64
		for _, l := range b {
			last = max(last, l.ID)
		}
		return last, emit(b)
	})
}

// WatchWorkspace calls emit with the state of a workspace at once and after each
// change, until ctx ends or emit returns an error. A broken stream is opened
// again; each message is whole state, so nothing is missed for good.
func (c *Client) WatchWorkspace(ctx context.Context, id api.ID, emit func(api.Workspace) error) error {
	type event struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	p := path("workspaces", id.String(), "watch-ws")
	handle := func(ev event) (int64, error) {
		switch ev.Type {
		case "data":
			var w api.Workspace
			if err := json.Unmarshal(ev.Data, &w); err != nil {
				return 0, fmt.Errorf("decode workspace event: %w", err)
			}
			return 0, emit(w)
		case "error":
			var e api.Error
			if err := json.Unmarshal(ev.Data, &e); err != nil || e.Message == "" {
				return 0, errors.New("the server reports an error without a text")
			}
			return 0, &e
		}
		return 0, nil
	}
	for {
		// The stream has no orderly end of its own: a normal close is a server
		// that stops, and another takes over.
		if err := follow(ctx, c, p, 0, handle); err != nil {
			return err
		}
		if err := c.backoff(ctx, attempts); err != nil {
			return err
		}
	}
}
