package portforward

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	gossh "golang.org/x/crypto/ssh"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
	"coder.internal/internal/pipe"
)

// port is one open port of this computer.
type port struct {
	Forward
	addr  net.Addr
	close io.Closer
	serve func(ctx context.Context, env *cli.Env, client *gossh.Client)
}

// open takes the port; nothing is accepted before serve.
func open(ctx context.Context, f Forward) (port, error) {
	at := net.JoinHostPort(f.LocalHost, strconv.Itoa(int(f.LocalPort)))
	var lc net.ListenConfig
	p := port{Forward: f}
	var err error
	if f.Network == "udp" {
		var pc net.PacketConn
		if pc, err = lc.ListenPacket(ctx, "udp", at); err == nil {
			p.addr, p.close = pc.LocalAddr(), pc
			p.serve = func(ctx context.Context, env *cli.Env, client *gossh.Client) {
				serveUDP(ctx, env, pc, client, f.RemotePort)
			}
		}
	} else {
		var l net.Listener
		if l, err = lc.Listen(ctx, "tcp", at); err == nil {
			p.addr, p.close = l.Addr(), l
			p.serve = func(ctx context.Context, env *cli.Env, client *gossh.Client) {
				serve(ctx, env, l, client, f.RemotePort)
			}
		}
	}
	if err != nil {
		return p, &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf(
			"Port %d cannot be opened here: %s. Pick another: --%s <free port>:%d", f.LocalPort, err, f.Network, f.RemotePort)}
	}
	return p, nil
}

func run(ctx context.Context, env *cli.Env, o tunnel.Options, forwards []Forward) error {
	// The ports are taken first: a port in use should not start a workspace.
	var ports []port
	defer func() {
		for _, p := range ports {
			_ = p.close.Close()
		}
	}()
	for _, f := range forwards {
		p, err := open(ctx, f)
		if err != nil {
			return err
		}
		ports = append(ports, p)
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
	for _, p := range ports {
		wg.Go(func() { p.serve(ctx, env, client) })
		fmt.Fprintf(env.Stdout, "%s %s leads to port %d of %s\n", p.Network, p.addr, p.RemotePort, cli.Inert(conn.Workspace.Name))
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
		return fmt.Errorf("the connection to the workspace was lost: %w", conn.AwaitReason(err))
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
