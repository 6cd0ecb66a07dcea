package tunnel

import (
	"context"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"coder.internal/api"
)

// How a session is watched: the agent is asked for an answer every aliveEvery.
// After aliveTimeout without one the server is asked whether the agent still
// exists, and again after each further one.
const (
	aliveEvery   = 10 * time.Second
	aliveTimeout = 20 * time.Second
	// silenceMax ends a session whatever the server says. It is what a laptop
	// may sleep, and a little more than the agent waits.
	silenceMax = 70 * time.Minute
	askTimeout = 10 * time.Second
)

// KeepAlive closes the SSH client once the agent is gone for good: its workspace
// was stopped, rebuilt or deleted, or it has been silent for an hour and more. A
// network that is away ends nothing. It returns when ctx ends or the client is
// closed.
func (c *Connection) KeepAlive(ctx context.Context, client *gossh.Client) {
	keepAlive(ctx, client, c.gone, aliveEvery, aliveTimeout)
}

func keepAlive(ctx context.Context, client *gossh.Client, gone func(context.Context) bool, every, timeout time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answered := make(chan error, 1)
		// It ends with the client at the latest, which the caller closes.
		go func() {
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		if !await(ctx, answered, gone, timeout) {
			_ = client.Close()
			<-answered
			return
		}
	}
}

// await waits for the answer and reports whether there is a reason to go on.
func await(ctx context.Context, answered chan error, gone func(context.Context) bool, timeout time.Duration) bool {
	patience := time.NewTicker(timeout)
	defer patience.Stop()
	limit := time.NewTimer(silenceMax)
	defer limit.Stop()
	for {
		select {
		case err := <-answered:
			answered <- err // for whoever waits for its end
			return err == nil
		case <-ctx.Done():
			return false
		case <-limit.C:
			return false
		case <-patience.C:
			if gone(ctx) {
				return false
			}
		}
	}
}

// gone reports whether the server knows that the agent will not come back. No
// answer is none.
func (c *Connection) gone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ws, err := c.Client.Workspace(ctx, c.Workspace.ID)
	switch api.CodeOf(err) {
	case api.CodeNotFound, api.CodeForbidden, api.CodeUnauthenticated:
		return true
	}
	if err != nil {
		return false
	}
	if ws.LatestBuild.Transition != api.TransitionStart {
		return true
	}
	if ws.LatestBuild.ID == c.Workspace.LatestBuild.ID || !ws.LatestBuild.Job.Status.Done() {
		return false
	}
	for _, r := range ws.LatestBuild.Resources {
		for _, a := range r.Agents {
			if a.ID == c.Agent.ID {
				return false
			}
		}
	}
	return true
}
