package coderd_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/httpapi"
)

const streamPatience = 30 * time.Second

// silentAgents take connections and say nothing, but for what is asked over HTTP: they
// have no containers.
type silentAgents struct{}

func (silentAgents) DialAgent(_ context.Context, _ api.ID, port uint16) (net.Conn, error) {
	near, far := net.Pipe()
	go func() { // ends with the connection
		if port == agentrpc.PortInspect {
			_, _ = http.ReadRequest(bufio.NewReader(far)) // whatever it is
			_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
		}
		_, _ = io.Copy(io.Discard, far)
	}()
	return near, nil
}

// flow is a deployment with something to follow of each kind, and a clock that the
// test moves.
type flow struct {
	*testing.T
	d           *coderdtest.Deployment
	clock       *quartz.Mock
	rechecks    chan time.Duration // each ticker that was made
	owner, bob  *coderdtest.Client
	daemon      jobrpc.AcquireRequest
	template    api.Template
	running     api.Workspace // its agent is there
	building    api.Workspace // its build has not begun
	plan        api.ID
	dryRun      api.ID
	importing   api.ID // a version whose import waits
	importedOne api.ID
}

func newFlow(t *testing.T) *flow {
	t.Helper()
	s := &flow{T: t, clock: quartz.NewMock(t).WithLogger(quartz.NoOpLogger), rechecks: make(chan time.Duration, 1024)}
	s.d = coderdtest.New(t, func(c *coderdtest.Config) {
		c.Clock, c.Dialer = s.clock, silentAgents{}
	})
	s.owner = s.d.FirstUser(t)
	s.bob = s.d.NewUser(t, s.owner, "bob", "owner")
	s.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test"}
	const org = "/api/v2/organizations/default"
	push := func() api.TemplateVersion {
		return coderdtest.Do[api.TemplateVersion](t, s.owner, http.StatusCreated, http.MethodPost, org+"/templateversions",
			api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host"})
	}
	s.importedOne = push().ID
	s.complete(jobrpc.CompleteRequest{Import: &jobrpc.ImportResult{}})
	s.template = coderdtest.Do[api.Template](t, s.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: "plain", VersionID: s.importedOne})
	make := func(name string) api.Workspace {
		return coderdtest.Do[api.Workspace](t, s.bob, http.StatusCreated, http.MethodPost, "/api/v2/users/me/workspaces",
			api.CreateWorkspaceRequest{Name: name, TemplateID: s.template.ID})
	}
	s.running = make("running")
	s.complete(jobrpc.CompleteRequest{Build: &jobrpc.BuildResult{State: []byte("{}"), Resources: []jobrpc.Resource{{Type: "terraform_data", Name: "ws",
		Agents: []jobrpc.Agent{{Name: "main", Token: "tok", OperatingSystem: "linux", Architecture: "amd64",
			Metadata: []jobrpc.AgentMetadata{{Key: "cpu", Script: "uptime", Interval: 10, Timeout: 1}}}}}}}})
	s.running = coderdtest.Do[api.Workspace](t, s.bob, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+s.running.ID.String(), nil)
	s.building = make("building")
	s.importing = push().ID
	s.plan = coderdtest.Do[api.WorkspacePlan](t, s.bob, http.StatusCreated, http.MethodPost,
		"/api/v2/workspaces/"+s.running.ID.String()+"/plan", api.PlanWorkspaceRequest{Transition: api.TransitionStart}).Job.ID
	s.dryRun = coderdtest.Do[api.ProvisionerJob](t, s.bob, http.StatusCreated, http.MethodPost,
		"/api/v2/templateversions/"+s.importedOne.String()+"/dry-run", struct{}{}).ID
	return s
}

// complete takes the oldest job and ends it with res.
func (s *flow) complete(res jobrpc.CompleteRequest) {
	s.Helper()
	job, err := s.d.Jobs.Acquire(s.Context(), s.daemon)
	require.NoError(s, err)
	require.NotNil(s, job)
	res.JobID, res.Attempt = job.ID, job.Attempt
	require.NoError(s, s.d.Jobs.Complete(s.Context(), res))
}

// watchTickers reports every ticker that is made, until the test ends.
func (s *flow) watchTickers() {
	ctx, cancel := context.WithCancel(context.Background())
	trap := s.clock.Trap().NewTicker()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			call, err := trap.Wait(ctx)
			if err != nil {
				return
			}
			select {
			case s.rechecks <- call.Duration:
			default: // nobody looks any more
			}
			_ = call.Release(ctx)
		}
	}()
	s.Cleanup(func() { cancel(); <-done; trap.Close() })
}

// open opens a stream as c and returns a channel that is closed when it has ended.
// It returns once the stream has made the ticker of its rechecks.
func (s *flow) open(c *coderdtest.Client, path string, events bool, every time.Duration) <-chan struct{} {
	s.Helper()
	ended := make(chan struct{})
	header := http.Header{api.SessionTokenHeader: {c.Token.Reveal()}}
	ctx, cancel := context.WithTimeout(context.Background(), 4*streamPatience)
	s.Cleanup(cancel)
	if events {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.d.URL.String()+path, nil)
		require.NoError(s, err)
		req.Header = header
		res, err := http.DefaultClient.Do(req)
		require.NoError(s, err)
		require.Equal(s, http.StatusOK, res.StatusCode, path)
		go func() {
			defer close(ended)
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}()
	} else {
		ws, res, err := websocket.Dial(ctx, strings.Replace(s.d.URL.String(), "http", "ws", 1)+path, &websocket.DialOptions{HTTPHeader: header})
		if err != nil && res != nil {
			text, _ := io.ReadAll(res.Body)
			s.Fatalf("%s: %v: %s", path, err, text)
		}
		require.NoError(s, err, path)
		ws.SetReadLimit(-1)
		go func() {
			defer close(ended)
			for {
				if _, _, err := ws.Read(ctx); err != nil {
					return
				}
			}
		}()
	}
	limit := time.NewTimer(streamPatience)
	defer limit.Stop()
	for {
		select {
		case d := <-s.rechecks:
			if d == every {
				return ended
			}
		case <-ended:
			s.Fatalf("%s ended by itself", path)
		case <-limit.C:
			s.Fatalf("%s never looks at its right again", path)
		}
	}
}

// TestStreamsEndWithTheRight: a person who is suspended loses every open stream
// within a minute; those of others go on.
func TestStreamsEndWithTheRight(t *testing.T) {
	t.Parallel()
	s := newFlow(t)
	agent := s.running.LatestBuild.Resources[0].Agents[0].ID.String()
	_, err := s.d.DB.Pool().Exec(t.Context(), `update workspace_agents set first_connected_at = now(), last_connected_at = now() + interval '1 hour'`)
	require.NoError(t, err)
	build := s.building.LatestBuild.ID.String()
	version := "/api/v2/templateversions/" + s.importedOne.String()
	running := "/api/v2/workspaces/" + s.running.ID.String()
	daemon := url.Values{jobrpc.ParamDaemonID: {api.NewID().String()}, jobrpc.ParamDaemonName: {"bobs"}, jobrpc.ParamAPIVersion: {jobrpc.WireVersion}}
	streams := []struct {
		path   string
		events bool
		every  time.Duration
	}{
		{path: "/api/v2/workspaces/watch-ws"},
		{path: running + "/watch", events: true},
		{path: running + "/watch-ws"},
		{path: "/api/v2/workspaceagents/" + agent + "/watch-metadata", events: true},
		{path: "/api/v2/workspaceagents/" + agent + "/watch-metadata-ws"},
		{path: "/api/v2/workspaceagents/" + agent + "/logs?follow=true"},
		{path: "/api/v2/workspaceagents/" + agent + "/coordinate"},
		{path: "/api/v2/workspaceagents/" + agent + "/containers/watch"},
		{path: "/api/v2/workspaceagents/" + agent + "/pty?reconnect=" + api.NewID().String() + "&width=80&height=24"},
		{path: "/api/v2/workspacebuilds/" + build + "/logs?follow=true"},
		{path: "/api/v2/templateversions/" + s.importing.String() + "/logs?follow=true"},
		{path: running + "/plan/" + s.plan.String() + "/logs?follow=true"},
		{path: version + "/dry-run/" + s.dryRun.String() + "/logs?follow=true"},
		{path: version + "/dynamic-parameters"},
		{path: "/api/v2/organizations/default/provisionerdaemons/serve?" + daemon.Encode(), every: 15 * time.Second},
	}
	s.watchTickers()
	var ends []<-chan struct{}
	for _, st := range streams {
		if st.every == 0 {
			st.every = httpapi.RecheckEvery
		}
		ends = append(ends, s.open(s.bob, st.path, st.events, st.every))
	}
	others := s.open(s.owner, running+"/watch-ws", false, httpapi.RecheckEvery)

	coderdtest.Do[api.User](t, s.owner, http.StatusOK, http.MethodPut, "/api/v2/users/bob/status/suspend", nil)
	ctx, cancel := context.WithTimeout(t.Context(), streamPatience)
	defer cancel()
	for passed := time.Duration(0); passed < time.Minute; {
		d, w := s.clock.AdvanceNext()
		w.MustWait(ctx)
		passed += d
	}
	for i, end := range ends {
		select {
		case <-end:
		case <-ctx.Done():
			assert.Fail(t, "a minute after the right had ended, this stream was open", streams[i].path)
		}
	}
	select {
	case <-others:
		assert.Fail(t, "the stream of another person ended")
	default:
	}
}
