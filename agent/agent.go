// Package agent is the process in a workspace: it fetches its manifest, joins the
// network, serves SSH and terminals, runs the scripts of the template and reports.
//
// It owns the lifecycle of the workspace's side: created → starting → ready,
// start_error or start_timeout → shutting_down → (shutdown_error or
// shutdown_timeout) → off. Only lifecycle.go changes it, and changes are reported
// in order. It never opens a listener on a real network, never reads its own
// process environment, and never gives up: a server that is away is asked again
// for ever, while sessions in the workspace go on.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/agent/child"
	"coder.internal/agent/containers"
	"coder.internal/agent/scripts"
	"coder.internal/agent/sshd"
	"coder.internal/agent/stats"
	"coder.internal/agent/streams"
	"coder.internal/agent/term"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/termrpc"
)

// Ports that the agent listens on inside the tunnel.
const (
	PortSSH         = 1
	PortTerminals   = termrpc.Port
	PortSSHStandard = 22
)

// Options of an Agent. Client, NewNetwork, Log, Clock and ScriptDataDir are
// required.
type Options struct {
	Client ControlPlane
	// NewNetwork makes the node for the agent that the manifest names. It is
	// called again if a node breaks.
	NewNetwork func(agentrpc.Manifest) (Network, error)
	Log        *slog.Logger
	Clock      quartz.Clock
	Version    string
	Subsystems []string

	// Environ is the environment of the process, which its children inherit.
	Environ []string
	// Token and URL are given to children as CODER_AGENT_TOKEN and _URL.
	Token api.Secret
	URL   string
	// Executable is the path of this binary, which children find in
	// GIT_SSH_COMMAND and GIT_ASKPASS and, if it is called coder, on their PATH;
	// empty leaves their Git alone.
	Executable string

	ScriptDataDir string
	LogDir        string
	SSHMaxTimeout time.Duration
	// StopTimeout bounds the stop scripts; zero means 5 minutes.
	StopTimeout time.Duration
	// Jitter returns numbers in [0,1); nil means the system's.
	Jitter func() float64

	BlockFileTransfer          bool
	BlockLocalPortForwarding   bool
	BlockReversePortForwarding bool
	// OOMScore and Niceness are those that this process was started with, from
	// which those of its children follow.
	OOMScore, Niceness int
	// DisableDevcontainers leaves the dev containers of the template alone.
	DisableDevcontainers bool
	// DialStreams makes a connection to a replica that carries streams, and
	// StreamsWanted hears that one asks for it; nil where only the tunnel carries them.
	DialStreams   func(context.Context) (net.Conn, error)
	StreamsWanted <-chan struct{}
	// DisableDiscovery does not look for dev containers in the agent's directory.
	DisableDiscovery bool
}

// Agent is one agent process.
type Agent struct {
	opts Options
}

const (
	defaultStopTimeout = 5 * time.Minute
	lastWords          = 5 * time.Second // for the last reports of a stopping agent
)

// New checks the options; it starts nothing.
func New(o Options) (*Agent, error) {
	if o.Client == nil || o.NewNetwork == nil || o.Log == nil || o.Clock == nil || o.ScriptDataDir == "" {
		return nil, errors.New("agent options: Client, NewNetwork, Log, Clock and ScriptDataDir are required")
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = defaultStopTimeout
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return &Agent{opts: o}, nil
}

// Run blocks until ctx ends and the agent has shut down: stop scripts run, the
// last state reported. It returns an error only for what no waiting can heal.
func (a *Agent) Run(ctx context.Context) error {
	m, err := a.fetchManifest(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil // asked to stop before it had anything to stop
		}
		return err
	}
	a.opts.Log.Info("manifest received", "agent_id", m.AgentID, "workspace_id", m.WorkspaceID)
	account := child.LookupAccount(a.opts.Environ)
	account.Priority = a.priority()
	environ := a.environ(m, account)
	directory := account.Expand(m.Directory, environ)
	conns := newConnections(a)
	use := newUsage(a)
	runner, err := scripts.New(scripts.Options{Reporter: reliable{a}, Log: a.opts.Log, Clock: a.opts.Clock,
		Scripts: m.Scripts, Account: account, Environ: environ, Directory: directory,
		DataDir: a.opts.ScriptDataDir, LogDir: a.opts.LogDir})
	if err != nil {
		return err
	}
	m.Devcontainers = absolute(m.Devcontainers, account, environ)
	boxes, err := a.newContainers(m, runner, account, environ)
	if err != nil {
		return err
	}
	terms, err := term.New(term.Options{Log: a.opts.Log, Clock: a.opts.Clock, Account: account, Environ: environ,
		Directory: directory, MOTDFile: account.Expand(m.MOTDFile, environ), Began: use.beganTerminal, Containers: boxes})
	if err != nil {
		return err
	}
	newSSH := func() (*sshd.Server, error) {
		return a.newSSH(m, account, environ, directory, conns.report, use, boxes)
	}
	watcher, err := stats.New(stats.Options{Reporter: reliable{a}, Log: a.opts.Log, Clock: a.opts.Clock,
		Items: m.Metadata, Apps: m.Apps, Monitors: m.Monitors, Account: account, Environ: environ, Directory: directory})
	if err != nil {
		return err
	}

	carried, err := streams.New(streams.Options{Log: a.opts.Log, Connect: a.opts.DialStreams, Wanted: a.opts.StreamsWanted,
		TunnelPortsOnly: a.opts.BlockLocalPortForwarding})
	if err != nil {
		return err
	}

	// The parts outlive ctx: people stay connected while stop scripts run.
	parts, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	life := newLifecycle(a)
	told := conns.start(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = terms.Run(parts) })
	wg.Go(func() { _ = carried.Run(parts) })
	a.serveStreams(parts, &wg, carried, terms, boxes)
	wg.Go(func() { a.serveNetwork(parts, m, newSSH, terms, use, boxes, carried) })
	wg.Go(func() { use.run(parts) })
	wg.Go(func() { _ = boxes.Run(parts) })
	wg.Go(func() { a.introduce(parts, directory) })
	wg.Go(func() { life.run(parts) })
	wg.Go(func() { _ = runner.Run(parts) })
	wg.Go(func() { _ = watcher.Run(parts) })
	a.live(ctx, life, runner, func() { a.startDevcontainers(ctx, m.Devcontainers, boxes, runner) })
	stop()
	wg.Wait()
	told()
	return nil
}

// priority is that of the children, as the environment wants it; with it, the agent
// makes itself the last one to be ended when memory runs out, if it may.
func (a *Agent) priority() child.Priority {
	p, err := child.PriorityOf(a.opts.Environ, a.opts.OOMScore, a.opts.Niceness)
	if err != nil {
		a.opts.Log.Warn("a variable of the priority of processes is left out", "error", err)
	}
	if p.Protect() {
		a.opts.Log.Info("the agent is among the last to be ended when memory runs out")
	}
	return p
}

func (a *Agent) newSSH(m agentrpc.Manifest, account child.Account, environ []string, directory string, report sshd.Report, use *usage, boxes *containers.Containers) (*sshd.Server, error) {
	key, err := sshd.HostKey(m.AgentID)
	if err != nil {
		return nil, err
	}
	return sshd.New(sshd.Options{
		Log: a.opts.Log.With("component", "sshd"), HostKey: key, Account: account, Environ: environ,
		Directory: directory, MOTDFile: account.Expand(m.MOTDFile, environ), MaxTimeout: a.opts.SSHMaxTimeout,
		Report: report, Began: use.beganSSH, Containers: boxes,
		BlockFileTransfer:          a.opts.BlockFileTransfer,
		BlockLocalPortForwarding:   a.opts.BlockLocalPortForwarding,
		BlockReversePortForwarding: a.opts.BlockReversePortForwarding,
	})
}

// introduce tells the server about this process.
func (a *Agent) introduce(ctx context.Context, directory string) {
	startup := agentrpc.Startup{Version: a.opts.Version, ExpandedDirectory: directory, Subsystems: a.opts.Subsystems}
	err := a.deliver(ctx, "startup", func(ctx context.Context) error { return a.opts.Client.PostStartup(ctx, startup) })
	if err != nil && ctx.Err() == nil {
		a.opts.Log.Warn("startup refused", "error", err)
	}
}

// environ is what every session and script gets, weakest first: the process's
// own, the template's with $NAME expanded, and the facts about the workspace.
func (a *Agent) environ(m agentrpc.Manifest, account child.Account) []string {
	env := child.Drop(a.opts.Environ, func(name string) bool { return strings.HasPrefix(name, "CODER_PROC_") })
	env = child.Merge(env, []string{"HOME=" + account.Home, "USER=" + account.Name, "LOGNAME=" + account.Name})
	if command := filepath.Base(a.opts.Executable); command == "coder" || command == "coder.exe" {
		// Templates write "coder stat cpu".
		env = child.AppendPath(env, filepath.Dir(a.opts.Executable), string(os.PathListSeparator))
	}
	own := make([]string, 0, len(m.Env))
	for name, value := range m.Env {
		own = append(own, name+"="+expand(value, env))
	}
	facts := []string{
		"CODER=true",
		"CODER_WORKSPACE_NAME=" + m.WorkspaceName,
		"CODER_WORKSPACE_ID=" + m.WorkspaceID.String(),
		"CODER_WORKSPACE_OWNER_NAME=" + m.OwnerName,
		"CODER_WORKSPACE_AGENT_NAME=" + m.AgentName,
		"VSCODE_PROXY_URI=" + m.VSCodeProxyURI,
	}
	if a.opts.Token != "" {
		facts = append(facts, "CODER_AGENT_TOKEN="+a.opts.Token.Reveal())
	}
	if a.opts.URL != "" {
		facts = append(facts, "CODER_AGENT_URL="+a.opts.URL)
	}
	return child.Merge(env, gitEnv(a.opts.Executable), own, facts)
}

// gitEnv lets Git sign in with the key of the workspace's owner, and with tokens of
// theirs. It is weaker than what the template sets. Git hands the command to a
// shell, and starts what is to ask for passwords itself.
func gitEnv(executable string) []string {
	if executable == "" {
		return nil
	}
	return []string{"GIT_ASKPASS=" + executable, "GIT_SSH_COMMAND='" + strings.ReplaceAll(executable, "'", `'\''`) + "' gitssh --"}
}

// serveNetwork keeps a node with SSH and terminals on it until ctx ends. A broken
// node is replaced after a pause; SSH sessions on it are lost, terminals and the
// agent are not.
func (a *Agent) serveNetwork(ctx context.Context, m agentrpc.Manifest, newSSH func() (*sshd.Server, error), terms *term.Terminals, use *usage, boxes *containers.Containers, carried *streams.Streams) {
	pause := backoff{a: a}
	for {
		began := a.opts.Clock.Now()
		err := a.serveNode(ctx, m, newSSH, terms, use, boxes, carried)
		if ctx.Err() != nil {
			return
		}
		a.opts.Log.Error("network ended, making another node", "error", err)
		if !pause.wait(ctx, a.opts.Clock.Since(began)) {
			return
		}
	}
}

// serveNode returns when the node or a server on it has ended, and always after
// all of them.
func (a *Agent) serveNode(ctx context.Context, m agentrpc.Manifest, newSSH func() (*sshd.Server, error), terms *term.Terminals, use *usage, boxes *containers.Containers, carried *streams.Streams) error {
	server, err := newSSH()
	if err != nil {
		return err
	}
	node, err := a.opts.NewNetwork(m)
	if err != nil {
		return fmt.Errorf("make network node: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- node.Run(ctx)
	}()
	use.setNode(node)
	defer use.setNode(nil)
	inspected, carrying := a.inspect(ctx, node, boxes), a.carry(ctx, node, carried)
	err = a.servePorts(ctx, node, server, terms)
	cancel()
	<-inspected
	<-carrying
	if runErr := <-ended; runErr != nil && !errors.Is(runErr, context.Canceled) {
		return fmt.Errorf("run network node: %w", runErr)
	}
	return err
}

// servePorts returns after both servers, of which one ends the other.
func (a *Agent) servePorts(ctx context.Context, node Network, server *sshd.Server, terms *term.Terminals) error {
	var listeners []net.Listener
	for _, port := range []uint16{PortSSH, PortSSHStandard, PortTerminals} {
		l, err := node.Listen(port)
		if err != nil {
			for _, l := range append(listeners, node.Sessions()) {
				_ = l.Close()
			}
			return fmt.Errorf("listen on port %d: %w", port, err)
		}
		listeners = append(listeners, l)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		defer cancel()
		served <- terms.Serve(ctx, listeners[2])
	}()
	err := server.Serve(ctx, listeners[0], listeners[1], node.Sessions())
	cancel()
	return errors.Join(err, <-served)
}
