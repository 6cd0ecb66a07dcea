// Package portforward is `coder port-forward`: ports of this computer that lead
// to ports of a workspace. The streams go through the agent's SSH server, so the
// agent decides what may be reached; UDP cannot pass that way.
package portforward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	gossh "golang.org/x/crypto/ssh"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
	"coder.internal/internal/pipe"
)

// Forward is one local port and where it leads.
type Forward struct {
	LocalHost             string
	LocalPort, RemotePort uint16
}

// maxForwards bounds the ports of one command.
const maxForwards = 1024

// Command is `coder port-forward`.
func Command(env *cli.Env) *cobra.Command {
	var tcp, udp []string
	var disableAutostart bool
	cmd := &cobra.Command{Use: "port-forward <workspace>", Aliases: []string{"tunnel"}, Short: "Reach ports of a workspace on this computer",
		Args: cli.Exactly("workspace"),
		Example: "  coder port-forward ws --tcp 8080           the same port here\n" +
			"  coder port-forward ws --tcp 5000:8080      port 5000 here\n" +
			"  coder port-forward ws --tcp 3000,9990-9999 several"}
	fs := cmd.Flags()
	cli.List(fs, &tcp, "tcp", "p", "[host:]local[:remote], also with ranges")
	cli.Bind(fs, "tcp", "CODER_PORT_FORWARD_TCP")
	cli.List(fs, &udp, "udp", "", "not possible; see the error")
	cli.Bind(fs, "udp", "CODER_PORT_FORWARD_UDP")
	fs.BoolVar(&disableAutostart, "disable-autostart", false, "do not start a stopped workspace")
	cli.Bind(fs, "disable-autostart", "CODER_SSH_DISABLE_AUTOSTART")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if len(udp) > 0 {
			return cli.Usage("udp", "UDP cannot be forwarded: streams to a workspace are TCP. Use --tcp.")
		}
		forwards, err := Parse(tcp)
		if err != nil {
			return err
		}
		ref, err := cli.ParseWorkspace(args[0])
		if err != nil {
			return err
		}
		return run(ctx, env, tunnel.Options{Ref: ref, Autostart: !disableAutostart, Wait: "no", Progress: env.Stderr}, forwards)
	})
	return cmd
}

// Parse reads port specifications.
func Parse(specs []string) ([]Forward, error) {
	var out []Forward
	for _, list := range specs {
		for spec := range strings.SplitSeq(list, ",") {
			f, err := parseOne(strings.TrimSpace(spec))
			if err != nil {
				return nil, cli.Usage("tcp", fmt.Sprintf("%q: %s.", cli.Inert(spec), err))
			}
			if out = append(out, f...); len(out) > maxForwards {
				return nil, cli.Usage("tcp", fmt.Sprintf("More than %d ports at a time are not possible.", maxForwards))
			}
		}
	}
	if len(out) == 0 {
		return nil, cli.Usage("tcp", "Say which port: coder port-forward <workspace> --tcp 8080")
	}
	return out, nil
}

func parseOne(spec string) ([]Forward, error) {
	host, rest := "127.0.0.1", spec
	if strings.HasPrefix(spec, "[") {
		h, after, ok := strings.Cut(spec[1:], "]:")
		if !ok {
			return nil, errors.New("an IPv6 address is written [address]:port")
		}
		host, rest = h, after
	} else if h, after, ok := strings.Cut(spec, ":"); ok && !isRange(h) {
		host, rest = h, after
	}
	local, remote, two := strings.Cut(rest, ":")
	if !two {
		remote = local
	}
	lo, n, err := portRange(local)
	if err != nil {
		return nil, err
	}
	ro, m, err := portRange(remote)
	if err != nil {
		return nil, err
	}
	if n != m {
		return nil, errors.New("the two ranges are not of the same length")
	}
	var out []Forward
	for i := range n {
		out = append(out, Forward{host, lo + i, ro + i})
	}
	return out, nil
}

func isRange(s string) bool {
	_, _, err := portRange(s)
	return err == nil
}

// portRange reads a port or first-last and returns the first and how many.
func portRange(s string) (first, count uint16, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		b = a
	}
	lo, err1 := strconv.ParseUint(a, 10, 16)
	hi, err2 := strconv.ParseUint(b, 10, 16)
	if err1 != nil || err2 != nil || lo == 0 {
		return 0, 0, errors.New("a port is a number from 1 to 65535")
	}
	if hi < lo || hi-lo >= maxForwards {
		return 0, 0, fmt.Errorf("a range goes from low to high and has at most %d ports", maxForwards)
	}
	return uint16(lo), uint16(hi - lo + 1), nil
}

func run(ctx context.Context, env *cli.Env, o tunnel.Options, forwards []Forward) error {
	// The ports are taken first: a port in use should not start a workspace.
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	for _, f := range forwards {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(f.LocalHost, strconv.Itoa(int(f.LocalPort))))
		if err != nil {
			return &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf(
				"Port %d cannot be opened here: %s. Pick another: --tcp <free port>:%d", f.LocalPort, err, f.RemotePort)}
		}
		listeners = append(listeners, l)
	}
	conn, err := tunnel.Connect(ctx, env, o)
	if err != nil {
		return err
	}
	defer conn.Close()
	client, err := conn.SSH(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { conn.KeepAlive(ctx, client) })
	for i, l := range listeners {
		wg.Go(func() { serve(ctx, env, l, client, forwards[i].RemotePort) })
		fmt.Fprintf(env.Stdout, "%s leads to port %d of %s\n", l.Addr(), forwards[i].RemotePort, cli.Inert(conn.Workspace.Name))
	}
	fmt.Fprintln(env.Stdout, "Ready. Stop with Ctrl-C.")
	lost := make(chan error, 1)
	go func() { lost <- client.Wait() }()
	select {
	case <-ctx.Done():
		_ = client.Close()
		<-lost
		return nil
	case err := <-lost:
		return fmt.Errorf("the connection to the workspace was lost: %w", err)
	}
}

func serve(ctx context.Context, env *cli.Env, l net.Listener, client *gossh.Client, port uint16) {
	var conns sync.WaitGroup
	defer conns.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		local, err := l.Accept()
		if err != nil {
			return
		}
		conns.Go(func() {
			remote, err := client.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
			if err != nil {
				_ = local.Close()
				if ctx.Err() == nil {
					fmt.Fprintf(env.Stderr, "port %d of the workspace: %s\n", port, cli.Inert(err.Error()))
				}
				return
			}
			_, _ = pipe.Join(ctx, local, remote)
		})
	}
}
