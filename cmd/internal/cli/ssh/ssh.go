// Package ssh is `coder ssh`: a shell, a command, or the bytes of an SSH
// connection on standard input and output, in a workspace.
//
// It owns the terminal while a session runs and puts it back into order. A
// terminal is asked for only when both ends here are terminals, or with -t;
// otherwise input and output are passed on byte for byte. The exit status is
// that of the remote command.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
)

type options struct {
	stdio, tty, forwardAgent, forwardGPG, noWait, disableAutostart bool
	prefix, suffix, identityAgent, wait, logDir                    string
	remoteForwards, env                                            []string
	poll                                                           time.Duration
	infoDir                                                        string
	infoEvery                                                      time.Duration
	container, containerUser                                       string
	packets                                                        bool
}

// Command is `coder ssh`.
func Command(env *cli.Env) *cobra.Command {
	o := options{wait: "auto"}
	cmd := &cobra.Command{Use: "ssh <workspace> [command]", Short: "Open a shell or run a command in a workspace",
		Args: cli.AtLeast("workspace"),
		Example: "  coder ssh my-workspace                       a shell\n" +
			"  coder ssh my-workspace make test             a command, with its exit status\n" +
			"  tar c . | coder ssh my-workspace tar x       pipes are passed on byte for byte"}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		rest, err := remoteCommand(cmd, args[1:])
		if err != nil {
			return err
		}
		return o.run(cmd.Context(), env, args[0], rest)
	}
	fs := cmd.Flags()
	fs.SetInterspersed(false)
	boolean := func(to *bool, name, short, envName, usage string) {
		fs.BoolVarP(to, name, short, false, usage)
		cli.Bind(fs, name, envName)
	}
	boolean(&o.stdio, "stdio", "", "CODER_SSH_STDIO", "pass a raw SSH connection on standard input and output")
	boolean(&o.tty, "tty", "t", "CODER_SSH_TTY", "ask for a terminal in any case")
	boolean(&o.forwardAgent, "forward-agent", "A", "CODER_SSH_FORWARD_AGENT", "let the workspace use your ssh-agent")
	boolean(&o.forwardGPG, "forward-gpg", "G", "CODER_SSH_FORWARD_GPG", "let the workspace sign and decrypt with your gpg-agent")
	boolean(&o.noWait, "no-wait", "", "CODER_SSH_NO_WAIT", "same as --wait=no")
	boolean(&o.disableAutostart, "disable-autostart", "", "CODER_SSH_DISABLE_AUTOSTART", "do not start a stopped workspace")
	fs.StringVar(&o.prefix, "ssh-host-prefix", "", "take this off the front of a host name")
	cli.Bind(fs, "ssh-host-prefix", "CODER_SSH_SSH_HOST_PREFIX")
	fs.StringVar(&o.suffix, "hostname-suffix", "", "take this off the end of a host name")
	cli.Bind(fs, "hostname-suffix", "CODER_SSH_HOSTNAME_SUFFIX")
	fs.StringVar(&o.identityAgent, "identity-agent", "", "socket of the ssh-agent to forward (default $SSH_AUTH_SOCK)")
	cli.Bind(fs, "identity-agent", "CODER_SSH_IDENTITY_AGENT")
	fs.StringVarP(&o.logDir, "log-dir", "l", "", "directory in which each connection writes a debug log")
	cli.Bind(fs, "log-dir", "CODER_SSH_LOG_DIR")
	cli.Enum(fs, &o.wait, "wait", "", "wait for the start scripts; auto does what the template says", "yes", "no", "auto")
	cli.Bind(fs, "wait", "CODER_SSH_WAIT")
	fs.DurationVar(&o.poll, "workspace-poll-interval", time.Minute, "accepted; changes are pushed by the server")
	cli.Bind(fs, "workspace-poll-interval", "CODER_WORKSPACE_POLL_INTERVAL")
	cli.List(fs, &o.remoteForwards, "remote-forward", "R", "remote_port:local_host:local_port, or remote_socket:local_socket")
	cli.Bind(fs, "remote-forward", "CODER_SSH_REMOTE_FORWARD")
	cli.List(fs, &o.env, "env", "e", "NAME=value for the session")
	cli.Bind(fs, "env", "CODER_SSH_ENV")
	fs.StringVarP(&o.container, "container", "c", "", "run in this container of the workspace: its name, id, or the name of a dev container")
	cli.Bind(fs, "container", "CODER_SSH_CONTAINER")
	fs.StringVar(&o.containerUser, "container-user", "", "user in the container (default that of the dev container or image)")
	cli.Bind(fs, "container-user", "CODER_SSH_CONTAINER_USER")
	boolean(&o.packets, "disable-direct-stream", "", "CODER_SSH_DISABLE_DIRECT_STREAM", "send everything in packets of the tunnel, even where a direct TCP connection is possible")
	o.networkFlags(cmd)
	fs.String("usage-app", "", "accepted; the agent knows what connects")
	_ = fs.MarkHidden("usage-app")
	return cmd
}

// remoteCommand takes our flags that follow the workspace and returns what
// follows them. From the first word that is no flag on, or after --, everything
// belongs to the remote command, its own flags included.
func remoteCommand(cmd *cobra.Command, args []string) ([]string, error) {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") || args[0] == "-" {
		return args, nil
	}
	if args[0] == "--" {
		return args[1:], nil
	}
	if err := cmd.Flags().Parse(args); err != nil {
		return nil, cmd.FlagErrorFunc()(cmd, err)
	}
	return cmd.Flags().Args(), nil
}

func (o *options) run(ctx context.Context, env *cli.Env, host string, command []string) (err error) {
	ref, err := cli.ParseHost(host, o.prefix, o.suffix)
	if err != nil {
		return err
	}
	forwards, err := parseForwards(o.remoteForwards)
	if err != nil {
		return err
	}
	vars, err := parseEnv(o.env)
	if err != nil {
		return err
	}
	if vars, err = o.intoContainer(vars); err != nil {
		return err
	}
	if o.noWait {
		o.wait = "no"
	}
	socket := ""
	if o.forwardAgent {
		if socket, err = o.agentSocket(env); err != nil {
			return err
		}
	}
	var log *slog.Logger
	if o.logDir != "" {
		var file *logFile
		if log, file, err = openLog(o.logDir, env.Clock.Now()); err != nil {
			return err
		}
		defer file.Close()
		log.Info("connecting", "host", host)
		defer func() { log.Info("ended", "error", err) }()
	}
	conn, err := tunnel.Connect(ctx, env, tunnel.Options{Ref: ref, Autostart: !o.disableAutostart, Wait: o.wait, Progress: env.Stderr, Log: log, Packets: o.packets})
	if err != nil {
		return err
	}
	defer conn.Close()
	if o.infoDir != "" {
		r, err := newReporter(env, conn, o.infoDir, o.infoEvery)
		if err != nil {
			return err
		}
		ictx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { r.run(ictx) })
		defer wg.Wait()
		defer cancel()
	}
	if o.stdio {
		return stdio(ctx, env, conn)
	}
	s := session{env: env, vars: vars, tty: o.wantTTY(env), command: strings.Join(command, " "), agentSocket: socket}
	return ended(ctx, conn, o.serve(ctx, &s, conn, forwards))
}

// serve opens the SSH connection and the forwards, and runs the session.
func (o *options) serve(ctx context.Context, s *session, conn *tunnel.Connection, forwards []forward) error {
	client, err := conn.SSH(ctx)
	if err != nil {
		return err
	}
	s.client = client
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	defer func() {
		cancel()
		_ = client.Close()
		_ = g.Wait()
	}()
	g.Go(func() error { conn.KeepAlive(ctx, client); return nil })
	if o.forwardGPG {
		f, err := gpg(ctx, s.env, client, s.vars)
		if err != nil {
			return err
		}
		forwards = append(forwards, f)
	}
	for _, f := range forwards {
		if err := f.listen(ctx, g, client); err != nil {
			return err
		}
	}
	return s.run(ctx)
}

// ended says why the server ended a session, where it was the server: at any step
// of it.
func ended(ctx context.Context, conn *tunnel.Connection, err error) error {
	var exit *cli.ExitError
	if err == nil || ctx.Err() != nil || errors.As(err, &exit) && exit.Err == nil {
		return err
	}
	reason := conn.Reason
	if exit != nil || errors.Is(err, io.EOF) {
		reason = conn.AwaitReason
	}
	why := reason(err)
	if why == err { //nolint:errorlint // the same one
		return err
	}
	return &cli.ExitError{Code: exitLost, Err: fmt.Errorf("the connection to the workspace was lost: %w", why)}
}

func (o *options) wantTTY(env *cli.Env) bool {
	_, in := env.TerminalIn()
	_, out := env.TerminalOut()
	return o.tty || in && out
}

func (o *options) agentSocket(env *cli.Env) (string, error) {
	sock := o.identityAgent
	if sock == "" {
		sock = env.Getenv("SSH_AUTH_SOCK")
	}
	if sock == "" {
		return "", cli.Usage("forward-agent", "There is no ssh-agent: SSH_AUTH_SOCK is empty. Start one, or name its socket with --identity-agent.")
	}
	return sock, nil
}

// intoContainer adds what tells the agent to run the session in a container.
func (o *options) intoContainer(vars [][2]string) ([][2]string, error) {
	switch {
	case o.container == "" && o.containerUser != "":
		return nil, cli.Usage("container-user", "Say in which container with --container.")
	case o.container == "":
		return vars, nil
	case o.stdio:
		return nil, cli.Usage("container", "With --stdio your SSH client opens the sessions: let it send SetEnv CODER_CONTAINER=<name> instead.")
	}
	return append(vars, [2]string{"CODER_CONTAINER", o.container}, [2]string{"CODER_CONTAINER_USER", o.containerUser}), nil
}

func parseEnv(items []string) ([][2]string, error) {
	var out [][2]string
	for _, it := range items {
		name, value, ok := strings.Cut(it, "=")
		if !ok || name == "" {
			return nil, cli.Usage("env", fmt.Sprintf("%q is not of the form NAME=value.", cli.Inert(it)))
		}
		out = append(out, [2]string{name, value})
	}
	return out, nil
}
