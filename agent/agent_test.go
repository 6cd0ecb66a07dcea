package agent_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent"
	"coder.internal/agent/agenttest"
	"coder.internal/agent/scripts"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/internal/resume"
)

// loopback is a network of plain TCP: the agent's ports, each on a free one.
type loopback struct {
	mu    sync.Mutex
	ports map[uint16]net.Listener
	fail  chan error // ends Run

	received agentrpc.Traffic // of the next answer
}

func newLoopback() *loopback {
	return &loopback{ports: make(map[uint16]net.Listener), fail: make(chan error, 1)}
}

func (l *loopback) Run(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-l.fail:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ln := range l.ports {
		_ = ln.Close()
	}
	return err
}

func (l *loopback) Listen(port uint16) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	l.ports[port] = ln
	return ln, err
}

func (l *loopback) Sessions() net.Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ports[agentrpc.PortSessions] == nil {
		l.ports[agentrpc.PortSessions] = resume.NewServer(&net.TCPAddr{}, resume.Options{})
	}
	return l.ports[agentrpc.PortSessions]
}

func (l *loopback) Traffic() (received, sent agentrpc.Traffic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received.Bytes += 1000
	l.received.Packets++
	return l.received, agentrpc.Traffic{Packets: 2, Bytes: 70}
}

func (l *loopback) Peers(context.Context) []agent.PeerAnswer {
	return []agent.PeerAnswer{{Latency: 3 * time.Millisecond}, {Latency: time.Millisecond, Direct: true}, {Latency: 2 * time.Millisecond}}
}

func (l *loopback) Relays(context.Context) (map[string]float64, int) {
	return map[string]float64{"1": 4.5}, 1
}

func (l *loopback) port(t *testing.T, port uint16) string {
	t.Helper()
	var ln net.Listener
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		ln = l.ports[port]
		return ln != nil
	}, 10*time.Second, 5*time.Millisecond)
	_, p, _ := net.SplitHostPort(ln.Addr().String())
	return p
}

// running is an agent under test.
type running struct {
	net  *loopback
	home string
	stop func() error
}

func run(t *testing.T, cp *agenttest.Server, change ...func(*agent.Options)) *running {
	t.Helper()
	r := &running{net: newLoopback(), home: t.TempDir()}
	o := agent.Options{
		Client: cp.Client(), Log: slog.New(slog.DiscardHandler), Clock: quartz.NewReal(), Version: "v1.2.3",
		NewNetwork:    func(agentrpc.Manifest) (agent.Network, error) { return r.net, nil },
		Environ:       append(os.Environ(), "HOME="+r.home, "CODER_PROC_NICE_SCORE=1", "BASE=base"),
		Token:         cp.Token,
		URL:           cp.URL,
		ScriptDataDir: t.TempDir(),
	}
	for _, f := range change {
		f(&o)
	}
	a, err := agent.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			return fmt.Errorf("the agent did not stop")
		}
	})
	t.Cleanup(func() { require.NoError(t, r.stop()) })
	return r
}

func (r *running) ssh(t *testing.T, command string, options ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := r.client(ctx, t, command, options...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func (r *running) client(ctx context.Context, t *testing.T, command string, options ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(ctx, "ssh", append(options, "-F", "/dev/null", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
		"-p", r.net.port(t, agent.PortSSH), "127.0.0.1", command)...)
}

func script(text string) api.AgentScript {
	return api.AgentScript{ID: api.NewID(), LogSourceID: api.NewID(), Script: text, RunOnStart: true}
}

func TestLife(t *testing.T) {
	t.Parallel()
	begin, end := script("echo up; echo $CODER_WORKSPACE_NAME $ADDED"), script("echo down")
	end.RunOnStart, end.RunOnStop = false, true
	cp := agenttest.New(t, agentrpc.Manifest{WorkspaceName: "demo", OwnerName: "ann", AgentName: "main",
		Directory: "~/work", Env: map[string]string{"ADDED": "$BASE-1"}, Scripts: []api.AgentScript{begin, end}})
	r := run(t, cp)
	require.NoError(t, os.Mkdir(filepath.Join(r.home, "work"), 0o700))
	rec := cp.WaitLifecycle(api.LifecycleReady)
	require.Equal(t, []string{"up", "demo base-1"}, rec.Lines(begin.LogSourceID), "the log is complete when ready is reported")
	require.Equal(t, []api.AgentLifecycle{api.LifecycleStarting, api.LifecycleReady}, rec.Lifecycle)
	rec = cp.Wait("startup", func(r agenttest.Record) bool { return len(r.Startups) == 1 })
	require.Equal(t, agentrpc.Startup{Version: "v1.2.3", ExpandedDirectory: filepath.Join(r.home, "work")}, rec.Startups[0])
	require.Equal(t, filepath.Join(r.home, "work")+"\ntrue demo ann main  "+cp.Token.Reveal()+"\n",
		r.ssh(t, `pwd; echo "$CODER $CODER_WORKSPACE_NAME $CODER_WORKSPACE_OWNER_NAME $CODER_WORKSPACE_AGENT_NAME $CODER_PROC_NICE_SCORE $CODER_AGENT_TOKEN"`))

	require.NoError(t, r.stop())
	rec = cp.Record()
	require.Equal(t, []api.AgentLifecycle{api.LifecycleStarting, api.LifecycleReady, api.LifecycleShuttingDown, api.LifecycleOff}, rec.Lifecycle)
	require.Equal(t, []string{"down"}, rec.Lines(end.LogSourceID))
	require.Len(t, rec.Results, 2)
	require.Equal(t, "start", rec.Results[0].Stage)
	require.Equal(t, "stop", rec.Results[1].Stage)
}

func TestStartOutcomes(t *testing.T) {
	t.Parallel()
	slow := script("echo begun; sleep 60 & sleep 60")
	slow.Timeout = 1
	for name, c := range map[string]struct {
		script api.AgentScript
		state  api.AgentLifecycle
		status string
		code   int
	}{
		"error":   {script("exit 3"), api.LifecycleStartError, scripts.StatusExitFailure, 3},
		"timeout": {slow, api.LifecycleStartTimeout, scripts.StatusTimedOut, 124},
		"pipes":   {script("sleep 3 & echo ok"), api.LifecycleReady, scripts.StatusPipesLeftOpen, 0},
		"shebang": {script("#!/usr/bin/env -S bash -e\nfalse\nexit 0"), api.LifecycleStartError, scripts.StatusExitFailure, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := agenttest.New(t, agentrpc.Manifest{Scripts: []api.AgentScript{c.script}})
			run(t, cp)
			rec := cp.WaitLifecycle(c.state)
			require.Len(t, rec.Results, 1)
			require.Equal(t, c.status, rec.Results[0].Status)
			require.Equal(t, c.code, rec.Results[0].ExitCode)
			require.Equal(t, c.script.ID, rec.Results[0].ScriptID)
		})
	}
}

func TestStopScriptThatFails(t *testing.T) {
	t.Parallel()
	s := script("exit 1")
	s.RunOnStart, s.RunOnStop = false, true
	cp := agenttest.New(t, agentrpc.Manifest{Scripts: []api.AgentScript{s}})
	r := run(t, cp)
	cp.WaitLifecycle(api.LifecycleReady)
	require.NoError(t, r.stop())
	require.Equal(t, []api.AgentLifecycle{api.LifecycleShuttingDown, api.LifecycleShutdownError, api.LifecycleOff},
		cp.Record().Lifecycle[2:])
}

func TestManifestIsAskedForAgain(t *testing.T) {
	t.Parallel()
	cp := agenttest.New(t, agentrpc.Manifest{})
	cp.SetKnown(false)
	run(t, cp)
	cp.Wait("two requests", func(r agenttest.Record) bool { return r.Manifests >= 2 })
	cp.Fail(agentrpc.PathManifest, http.StatusServiceUnavailable, 2)
	cp.Fail(agentrpc.PathLifecycle, http.StatusInternalServerError, 2)
	cp.SetKnown(true)
	rec := cp.WaitLifecycle(api.LifecycleReady)
	require.Equal(t, []api.AgentLifecycle{api.LifecycleStarting, api.LifecycleReady}, rec.Lifecycle)
}

func TestHeldManifestIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	cp := agenttest.New(t, agentrpc.Manifest{})
	release := cp.Hold()
	defer release()
	r := run(t, cp)
	cp.Wait("the request", func(r agenttest.Record) bool { return r.Manifests == 1 })
	release()
	r.net.port(t, agent.PortSSHStandard)
	rec := cp.WaitLifecycle(api.LifecycleReady)
	require.Equal(t, 1, rec.Manifests)
}

func TestStopBeforeManifest(t *testing.T) {
	t.Parallel()
	cp := agenttest.New(t, agentrpc.Manifest{})
	release := cp.Hold()
	defer release()
	r := run(t, cp)
	cp.Wait("the request", func(r agenttest.Record) bool { return r.Manifests == 1 })
	require.NoError(t, r.stop())
	require.Empty(t, cp.Record().Lifecycle)
}

func TestBrokenNodeIsReplaced(t *testing.T) {
	t.Parallel()
	cp := agenttest.New(t, agentrpc.Manifest{})
	first, nodes := newLoopback(), make(chan struct{}, 8)
	var r *running
	made := 0
	r = run(t, cp, func(o *agent.Options) {
		o.NewNetwork = func(agentrpc.Manifest) (agent.Network, error) {
			made++
			nodes <- struct{}{}
			if made == 1 {
				return first, nil
			}
			return newLoopback(), nil
		}
	})
	<-nodes
	first.port(t, agent.PortSSHStandard)
	first.fail <- io.ErrUnexpectedEOF
	<-nodes
	require.NoError(t, r.stop())
}

func TestMetadataAndHealth(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	t.Cleanup(app.Close)
	good, bad := api.WorkspaceApp{ID: api.NewID()}, api.WorkspaceApp{ID: api.NewID()}
	good.Healthcheck = api.Healthcheck{URL: app.URL, Interval: 1, Threshold: 1}
	bad.Healthcheck = api.Healthcheck{URL: "http://127.0.0.1:1", Interval: 1, Threshold: 2}
	cp := agenttest.New(t, agentrpc.Manifest{Apps: []api.WorkspaceApp{good, bad}, Metadata: []agentrpc.MetadataItem{
		{Key: "same", Script: "echo 1", Interval: 1, Timeout: 5},
		{Key: "moves", Script: "echo x >>$HOME/n; wc -l <$HOME/n", Interval: 1, Timeout: 5},
		{Key: "long", Script: "head -c 5000 /dev/zero | tr '\\0' a"},
		{Key: "slow", Script: "sleep 60", Timeout: 1},
		{Key: "fails", Script: "echo why; exit 2"},
	}})
	run(t, cp)
	values := func(r agenttest.Record, key string) (got []agentrpc.MetadataValue) {
		for _, v := range r.Metadata {
			if v.Key == key {
				got = append(got, v)
			}
		}
		return got
	}
	rec := cp.Wait("all values", func(r agenttest.Record) bool {
		return len(values(r, "moves")) >= 3 && len(values(r, "slow")) == 1 && len(values(r, "long")) == 1 &&
			len(values(r, "fails")) == 1 && len(r.Healths) >= 2
	})
	require.Len(t, values(rec, "same"), 1, "an unchanged value is sent once")
	require.Equal(t, "1", values(rec, "same")[0].Value)
	require.Equal(t, strings.Repeat("a", agentrpc.MaxMetadataValue), values(rec, "long")[0].Value)
	require.Contains(t, values(rec, "slow")[0].Error, "did not end within 1s")
	require.Equal(t, "why", values(rec, "fails")[0].Value)
	require.Contains(t, values(rec, "fails")[0].Error, "exit status 2")
	healths := map[string]string{}
	for _, h := range rec.Healths {
		for id, v := range h {
			healths[id] = v
		}
	}
	require.Equal(t, map[string]string{good.ID.String(): "healthy", bad.ID.String(): "unhealthy"}, healths)
}

// TestConnectionsAreReported: who was connected, as what, and how it ended.
func TestConnectionsAreReported(t *testing.T) {
	t.Parallel()
	cp := agenttest.New(t, agentrpc.Manifest{})
	cp.Fail(agentrpc.PathConnections, http.StatusServiceUnavailable, 2)
	r := run(t, cp)
	require.Equal(t, "hi\n", r.ssh(t, "echo hi"))
	rec := cp.Wait("both reports", func(r agenttest.Record) bool { return len(r.Connections) == 2 })
	began, ended := rec.Connections[0], rec.Connections[1]
	require.Equal(t, agentrpc.ConnectionBegan, began.Action)
	require.Equal(t, agentrpc.ConnectionEnded, ended.Action)
	require.Equal(t, began.ID, ended.ID)
	require.Equal(t, api.ConnectionSSH, began.Type)
	require.Equal(t, "127.0.0.1", began.IP)
	require.Zero(t, ended.ExitCode)
	require.NoError(t, r.stop())
}
