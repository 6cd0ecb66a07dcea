package ssh

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/pipe"
)

// forward is one -R: what arrives at the workspace's side is dialled here.
type forward struct {
	remoteNetwork, remote string
	localNetwork, local   string
}

// parseForwards reads remote_port:host:port and remote_socket:local_socket.
func parseForwards(items []string) ([]forward, error) {
	var out []forward
	for _, it := range items {
		f, ok := parseForward(it)
		if !ok {
			return nil, cli.Usage("remote-forward", fmt.Sprintf(
				"%q is neither remote_port:local_host:local_port nor /remote/socket:/local/socket.", cli.Inert(it)))
		}
		out = append(out, f)
	}
	return out, nil
}

func parseForward(s string) (forward, bool) {
	remote, local, ok := strings.Cut(s, ":")
	if !ok || remote == "" || local == "" {
		return forward{}, false
	}
	if strings.Contains(remote, "/") {
		return forward{"unix", remote, "unix", local}, !strings.Contains(local, ":")
	}
	if !validPort(remote) {
		return forward{}, false
	}
	host, port, err := net.SplitHostPort(local)
	if err != nil || host == "" || !validPort(port) {
		return forward{}, false
	}
	return forward{"tcp", net.JoinHostPort("127.0.0.1", remote), "tcp", local}, true
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// listen opens the workspace's side and serves it in g until ctx ends or the
// client is closed.
func (f forward) listen(ctx context.Context, g *errgroup.Group, client *gossh.Client) error {
	l, err := client.Listen(f.remoteNetwork, f.remote)
	if err != nil {
		return fmt.Errorf("forward %s of the workspace: %w", cli.Inert(f.remote), err)
	}
	g.Go(func() error {
		var conns sync.WaitGroup
		defer conns.Wait()
		defer l.Close()
		stop := context.AfterFunc(ctx, func() { _ = l.Close() })
		defer stop()
		for {
			remote, err := l.Accept()
			if err != nil {
				return nil
			}
			conns.Go(func() {
				local, err := (&net.Dialer{}).DialContext(ctx, f.localNetwork, f.local)
				if err != nil {
					_ = remote.Close()
					return
				}
				_, _ = pipe.Join(ctx, remote, local)
			})
		}
	})
	return nil
}
