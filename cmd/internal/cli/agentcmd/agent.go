// Package agentcmd is `coder agent`: it builds an agent with its network node from
// flags and environment and runs it.
package agentcmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/agent"
	"coder.internal/agent/child"
	"coder.internal/agent/network"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/buildinfo"
	"coder.internal/internal/memory"
)

type options struct {
	header                               []string
	headerCommand                        string
	logHuman, logJSON, logStackdriver    string
	logDir, scriptDir                    string
	noReap                               bool
	sshMaxTimeout                        time.Duration
	blockFiles, blockLocal, blockReverse bool
	devcontainers, discovery             bool
}

// maxToken bounds a token file, in bytes.
const maxToken = 4 << 10

// Command is `coder agent`, hidden because templates start it, not people.
func Command(env *cli.Env) *cobra.Command {
	o := options{}
	cmd := &cobra.Command{Use: "agent", Short: "Run the workspace agent", Hidden: true, Args: cli.Exactly()}
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error { return o.run(ctx, env) })
	fs := cmd.Flags()
	str := func(to *string, name, envName, def, usage string) {
		fs.StringVar(to, name, def, usage)
		cli.Bind(fs, name, envName)
	}
	boolean := func(to *bool, name, envName string, usage string) {
		fs.BoolVar(to, name, false, usage)
		cli.Bind(fs, name, envName)
	}
	cli.List(fs, &o.header, "agent-header", "", "extra header as name=value, for every request")
	cli.Bind(fs, "agent-header", "CODER_AGENT_HEADER")
	str(&o.headerCommand, "agent-header-command", "CODER_AGENT_HEADER_COMMAND", "", "command that prints extra headers")
	str(&o.logHuman, "log-human", "CODER_AGENT_LOGGING_HUMAN", "/dev/stderr", "where readable logs go")
	str(&o.logJSON, "log-json", "CODER_AGENT_LOGGING_JSON", "", "where JSON logs go")
	str(&o.logStackdriver, "log-stackdriver", "CODER_AGENT_LOGGING_STACKDRIVER", "", "where Stackdriver logs go")
	str(&o.logDir, "log-dir", "CODER_AGENT_LOG_DIR", os.TempDir(), "directory of coder-agent.log and script logs")
	str(&o.scriptDir, "script-data-dir", "CODER_AGENT_SCRIPT_DATA_DIR", os.TempDir(), "directory for scripts' own data")
	fs.BoolVar(&o.noReap, "no-reap", false, "do not collect orphans when running as process 1")
	fs.DurationVar(&o.sshMaxTimeout, "ssh-max-timeout", 72*time.Hour, "end SSH connections of this age")
	cli.Bind(fs, "ssh-max-timeout", "CODER_AGENT_SSH_MAX_TIMEOUT")
	boolean(&o.blockFiles, "block-file-transfer", "CODER_AGENT_BLOCK_FILE_TRANSFER", "refuse scp, sftp, rsync and nc")
	boolean(&o.blockLocal, "block-local-port-forwarding", "CODER_AGENT_BLOCK_LOCAL_PORT_FORWARDING", "refuse ssh -L")
	boolean(&o.blockReverse, "block-reverse-port-forwarding", "CODER_AGENT_BLOCK_REVERSE_PORT_FORWARDING", "refuse ssh -R")
	fs.BoolVar(&o.devcontainers, "devcontainers-enable", true, "start the dev containers of the template")
	cli.Bind(fs, "devcontainers-enable", "CODER_AGENT_DEVCONTAINERS_ENABLE")
	fs.BoolVar(&o.discovery, "devcontainers-project-discovery-enable", true, "look for dev containers in the agent's directory")
	cli.Bind(fs, "devcontainers-project-discovery-enable", "CODER_AGENT_DEVCONTAINERS_PROJECT_DISCOVERY_ENABLE")
	for _, name := range []string{"pprof-address", "prometheus-address", "debug-address"} {
		fs.String(name, "", "accepted; the agent opens no listener")
		_ = fs.MarkHidden(name)
	}
	return cmd
}

func (o *options) run(ctx context.Context, env *cli.Env) error {
	if !o.noReap && child.NeedsReaper() {
		code, err := child.Reap(env.Executable, append(slices.Clone(os.Args), "--no-reap"), os.Environ())
		if err != nil {
			return fmt.Errorf("run as process 1: %w", err)
		}
		return &cli.ExitError{Code: code}
	}
	token, proof, u, err := credential(env)
	if err != nil {
		return err
	}
	tr, err := client.NewTransport(client.TLSFiles{CA: env.Global.TLSCAFile, Cert: env.Global.TLSCertFile, Key: env.Global.TLSKeyFile})
	if err != nil {
		return err
	}
	header, err := cli.ExtraHeader(ctx, o.header, o.headerCommand, "agent-header")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.logDir, 0o755); err != nil {
		return fmt.Errorf("make log directory: %w", err)
	}
	log, closeLog, err := o.logger(env)
	if err != nil {
		return err
	}
	defer closeLog()
	oom, nice := child.OwnPriority()
	ac := &client.AgentClient{URL: u.String(), Token: token, HTTP: &http.Client{Transport: cli.WithHeader(tr, header)}}
	if proof != nil {
		if token, err = signIn(ctx, env, log, proof, ac); err != nil {
			return err
		}
		ac.Token = token
	}
	wanted := make(chan struct{}, 1)
	node := network.Options{URL: u, Token: token, Header: header, Log: log, Direct: !env.Global.DisableDirect, Streams: wanted,
		HTTP: client.New(u, client.WithTransport(tr)).HTTPClient()}
	a, err := agent.New(agent.Options{
		Client: ac, NewNetwork: func(m agentrpc.Manifest) (agent.Network, error) { return network.New(m, node) }, Log: log, Clock: env.Clock, Version: buildinfo.Version(), Subsystems: subsystems(env),
		Environ: os.Environ(), Token: token, URL: u.String(), Executable: env.Executable,
		ScriptDataDir: o.scriptDir, LogDir: o.logDir, SSHMaxTimeout: o.sshMaxTimeout,
		BlockFileTransfer: o.blockFiles, BlockLocalPortForwarding: o.blockLocal, BlockReversePortForwarding: o.blockReverse,
		DialStreams: ac.Streams, StreamsWanted: wanted,
		DisableDevcontainers: !o.devcontainers, DisableDiscovery: !o.discovery, OOMScore: oom, Niceness: nice,
	})
	if err != nil {
		return err
	}
	keeper, err := memory.New(memory.Options{Clock: env.Clock, Burst: worthCollecting})
	if err != nil {
		return err
	}
	log.Info("agent is starting", "version", buildinfo.Version(), "url", u.Redacted())
	return beside(ctx, keeper.Run, a.Run)
}

// worthCollecting is what the start of an agent allocates at least, in bytes.
const worthCollecting = 3 << 20

// beside runs small as long as main runs, and returns after both.
func beside(ctx context.Context, small, main func(context.Context) error) error {
	within, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = small(within) }) // it has no error
	defer wg.Wait()
	defer stop()
	return main(ctx)
}

// credential returns the token, or else the way to get one, and the server.
func credential(env *cli.Env) (t api.Secret, p prove, u *url.URL, err error) {
	if env.Global.AgentAuth == "" || env.Global.AgentAuth == "token" {
		if t, err = token(env); err != nil {
			return t, nil, nil, err
		}
	}
	if env.Global.AgentURL == "" {
		return t, nil, nil, cli.Usage("agent-url", "Say which server to dial: set CODER_AGENT_URL.")
	}
	if u, err = cli.ParseURL(env.Global.AgentURL); err != nil {
		return t, nil, nil, err
	}
	p, err = proof(env, u)
	return t, p, u, err
}

func token(env *cli.Env) (api.Secret, error) {
	text := env.Global.AgentToken
	if name := env.Global.AgentTokenFile; text == "" && name != "" {
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("read token file: %w", err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxToken))
		if err != nil {
			return "", fmt.Errorf("read token file: %w", err)
		}
		text = string(b)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", cli.Usage("agent-token", "The agent needs its token: set CODER_AGENT_TOKEN.")
	}
	return api.Secret(text), nil
}

func subsystems(env *cli.Env) []string {
	var out []string
	for s := range strings.SplitSeq(env.Getenv("CODER_AGENT_SUBSYSTEM"), ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
