package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// Balancer is one haproxy.
type Balancer struct {
	Addr    string // host:port at which it listens
	dir     string
	servers []Server
	process *proc.Process
}

// Server is a line of the back end.
type Server struct{ Name, Addr string }

// StartBalancer starts a haproxy of its own, set as that of a cluster, on a free
// port. Its files are in dir.
func StartBalancer(ctx context.Context, dir string, servers ...Server) (*Balancer, error) {
	addr, err := freeAddress("127.0.0.1")
	if err != nil {
		return nil, err
	}
	b := &Balancer{Addr: addr, dir: dir, servers: servers}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	return b, nil
}

// config of haproxy. What is sent a second time is only what cannot have had an
// effect: a request that found no connection, and a GET without an answer. Releases
// that do not tell readiness answer 404, and count as ready.
func (b *Balancer) config() string {
	var s strings.Builder
	fmt.Fprintf(&s, `global
  stats socket %s mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout check 2s
  timeout client 75s
  timeout server 75s
  timeout tunnel 75s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend coder
  bind %s
  option forwardfor
  http-request disable-l7-retry unless { method GET HEAD }
  default_backend replicas
backend replicas
  balance leastconn
  option httpchk GET /readyz
  http-check expect status 200,404
  default-server check inter 500ms fall 2 rise 1
`, b.socket(), b.Addr)
	for _, r := range b.servers {
		fmt.Fprintf(&s, "  server %s %s\n", r.Name, r.Addr)
	}
	return s.String()
}

// socket is where haproxy takes orders. Its path is kept short: the kernel allows
// about a hundred bytes.
func (b *Balancer) socket() string { return filepath.Join(b.dir, "s") }

// FindHAProxy returns the program. As root on Debian it installs what is missing.
func FindHAProxy(ctx context.Context) (string, error) {
	const usual = "/usr/sbin/haproxy"
	for range 2 {
		if path, err := exec.LookPath("haproxy"); err == nil {
			return path, nil
		}
		if _, err := os.Stat(usual); err == nil {
			return usual, nil
		}
		apt, err := exec.LookPath("apt-get")
		if err != nil || os.Geteuid() != 0 {
			break
		}
		env := []string{"PATH=" + os.Getenv("PATH"), "DEBIAN_FRONTEND=noninteractive"}
		for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "haproxy"}} {
			if _, err := proc.Run(ctx, proc.Spec{Path: apt, Args: args, Dir: "/", Env: env}); err != nil {
				return "", err
			}
		}
	}
	return "", errors.New("no haproxy: install it (apt-get install --no-install-recommends haproxy)")
}

func (b *Balancer) start(ctx context.Context) error {
	binary, err := FindHAProxy(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	conf := filepath.Join(b.dir, "haproxy.cfg")
	if err := os.WriteFile(conf, []byte(b.config()), 0o600); err != nil {
		return err
	}
	b.process, err = proc.Start("haproxy", filepath.Join(b.dir, "haproxy.log"), proc.Spec{Path: binary, Dir: b.dir,
		Env: []string{"HOME=" + b.dir, "PATH=/usr/bin:/bin"}, Args: []string{"-db", "-f", conf}})
	if err != nil {
		return err
	}
	return b.process.Answers(ctx, b.Addr)
}

// Stop ends it.
func (b *Balancer) Stop() error {
	if b.process == nil {
		return nil
	}
	return b.process.Stop(syscall.SIGTERM, 10*time.Second)
}

// Up waits until the balancer sends requests to a replica again, or no longer.
func (b *Balancer) Up(ctx context.Context, name string, want bool) error {
	return proc.Until(ctx, fmt.Sprintf("the balancer to see %s (up: %t)", name, want), 20*time.Millisecond, startWithin, func() (bool, error) {
		text, err := b.ask("show stat")
		if err != nil {
			return false, err
		}
		state := stateOf(text, name)
		return state != "" && strings.HasPrefix(state, "UP") == want, nil
	})
}

// Totals are what the balancer has had from clients since its start.
type Totals struct{ Connections, Requests int }

// Totals reads them.
func (b *Balancer) Totals() (Totals, error) {
	text, err := b.ask("show stat")
	if err != nil {
		return Totals{}, err
	}
	row := rowOf(text, "coder", "FRONTEND")
	c, err1 := strconv.Atoi(row["stot"])
	r, err2 := strconv.Atoi(row["req_tot"])
	return Totals{c, r}, errors.Join(err1, err2)
}

// stateOf finds the state of a server in the answer to "show stat".
func stateOf(text, name string) string { return rowOf(text, "replicas", name)["status"] }

// rowOf finds a row of that answer, by the names of its columns.
func rowOf(text, group, name string) map[string]string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
	columns := strings.Split(first, ",")
	for line := range strings.Lines(rest) {
		f := strings.Split(line, ",")
		if len(f) < 2 || f[0] != group || f[1] != name {
			continue
		}
		row := map[string]string{}
		for i, value := range f[:min(len(f), len(columns))] {
			row[columns[i]] = value
		}
		return row
	}
	return nil
}

// ask gives one order and returns the answer.
func (b *Balancer) ask(order string) (string, error) {
	conn, err := net.DialTimeout("unix", b.socket(), 2*time.Second)
	if err != nil {
		return "", fmt.Errorf("ask haproxy: %w", err)
	}
	defer conn.Close() //nolint:errcheck // read to its end
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, order); err != nil {
		return "", fmt.Errorf("ask haproxy: %w", err)
	}
	text, err := io.ReadAll(bufio.NewReader(io.LimitReader(conn, 1<<20)))
	if err != nil {
		return "", fmt.Errorf("ask haproxy: %w", err)
	}
	return string(text), nil
}
