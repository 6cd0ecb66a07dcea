//go:build linux

package matrix_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"tailscale.com/net/stun"

	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/database/dbtest"
	"coder.internal/internal/pipe"
)

func TestMain(m *testing.M) { servetest.Main(m) }

// Addresses of the server's namespace, the hub of all sites.
const (
	hub4  = "10.99.0.1"
	hub6  = "2001:db8:99::1"
	dead4 = "10.99.0.66" // swallows everything
)

// netns is a network namespace. It has no name and lives as long as its file.
type netns struct{ f *os.File }

// errRefused says that this host does not let us make namespaces.
var errRefused = errors.New("no network namespaces without root")

func newNetns(t testing.TB) (*netns, error) {
	t.Helper()
	n := &netns{}
	err := apart(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		var err error
		n.f, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	if errors.Is(err, syscall.EPERM) {
		return nil, errRefused
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.f.Close() })
	return n, nil
}

// apart runs fn on a thread whose namespace may change.
func apart(fn func() error) error {
	out := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			out <- err
			return
		}
		defer home.Close()
		err = fn()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread() // else the thread ends with the goroutine
		}
		out <- err
	}()
	return <-out
}

// path names the namespace for other processes.
func (n *netns) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.f.Fd()) }

// enter is the command that runs the one behind it inside.
func (n *netns) enter() []string { return []string{"nsenter", "--net=" + n.path(), "--"} }

// do runs fn inside. Sockets that it opens stay there.
func (n *netns) do(fn func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(n.f.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return fn()
	})
}

func (n *netns) listen(t testing.TB, address string) net.Listener {
	t.Helper()
	var ln net.Listener
	require.NoError(t, n.do(func() (err error) { ln, err = net.Listen("tcp", address); return err }))
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// dial connects from inside to an address in numbers.
func (n *netns) dial(ctx context.Context, _, address string) (net.Conn, error) {
	var nc net.Conn
	err := n.do(func() (err error) { nc, err = (&net.Dialer{}).DialContext(ctx, "tcp", address); return err })
	return nc, err
}

// sh runs a script inside that must succeed.
func (n *netns) sh(t testing.TB, script string) {
	t.Helper()
	argv := append(n.enter(), "sh", "-ec", script)
	ctx, stop := context.WithTimeout(t.Context(), servetest.Patience)
	defer stop()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	require.NoError(t, err, "%s\n%s", script, out)
}

// world is a server with sites around it.
type world struct {
	hub    *netns
	server *servetest.Server
	admin  *servetest.CLI
	links  atomic.Int64
	// address is the server's, which keeps it when it starts again.
	address string
	setup   sync.Mutex // iptables is one at a time
	tokens  map[string]string
}

// newWorld starts a server and makes the workspace demo with agents of these
// names, which nobody has started yet.
func newWorld(t *testing.T, agents ...string) (*world, error) {
	t.Helper()
	hub, err := newNetns(t)
	if err != nil {
		return nil, err
	}
	w := &world{hub: hub, tokens: map[string]string{}}
	hub.sh(t, fmt.Sprintf(`ip link set lo up
ip addr add %s/32 dev lo
ip -6 addr add %s/128 dev lo nodad
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip route add blackhole %s`, hub4, hub6, dead4))
	w.server = servetest.New(t, servetest.Options{Host: hub4, Enter: hub.enter(), PostgresURL: w.bringDatabase(t),
		Args: []string{"--derp-server-stun-addresses", w.serveSTUN(t, hub4) + "," + w.serveSTUN(t, hub6)}})
	w.server.Start()
	w.address = w.server.URL.Host
	w.admin = w.server.Admin(t)
	w.makeAgents(t, agents)
	return w, nil
}

// bringDatabase gives the hub a way to Postgres outside and returns its address.
func (w *world) bringDatabase(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(dbtest.URL(t))
	require.NoError(t, err)
	if u.Host == "" {
		return u.String() // a socket in the file system
	}
	outside := u.Host
	ln := w.hub.listen(t, "127.0.0.1:0")
	forward(t, ln, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", outside)
	})
	u.Host = ln.Addr().String()
	return u.String()
}

// forward joins what comes in at ln with what dial gives, until the test ends.
func forward(t testing.TB, ln net.Listener, dial func(context.Context) (net.Conn, error)) {
	t.Helper()
	serve(t, ln, func(ctx context.Context, nc net.Conn) {
		up, err := dial(ctx)
		if err != nil {
			return
		}
		_, _ = pipe.Join(ctx, nc, up)
	})
}

// serve handles connections until the test ends, and waits for the handlers.
func serve(t testing.TB, ln net.Listener, handle func(context.Context, net.Conn)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer nc.Close()
				stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
				defer stop()
				handle(ctx, nc)
			})
		}
	})
	t.Cleanup(func() { cancel(); _ = ln.Close(); wg.Wait() })
}

// serveSTUN answers at an address of the hub and returns it with the port.
func (w *world) serveSTUN(t *testing.T, host string) string {
	t.Helper()
	var pc net.PacketConn
	require.NoError(t, w.hub.do(func() (err error) { pc, err = net.ListenPacket("udp", net.JoinHostPort(host, "0")); return err }))
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if tx, err := stun.ParseBindingRequest(buf[:n]); err == nil {
				_, _ = pc.WriteTo(stun.Response(tx, netip.MustParseAddrPort(from.String())), from)
			}
		}
	}()
	t.Cleanup(func() { _ = pc.Close(); <-done })
	return pc.LocalAddr().String()
}

const agentTemplate = `terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}
data "coder_workspace" "me" {}
data "coder_provisioner" "here" {}
`

const oneAgent = `resource "coder_agent" "%[1]s" {
  os   = data.coder_provisioner.here.os
  arch = data.coder_provisioner.here.arch
}
resource "coder_external_agent" "%[1]s" {
  count    = data.coder_workspace.me.start_count
  agent_id = coder_agent.%[1]s.id
}
resource "terraform_data" "%[1]s" {
  count = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command = "printf %%s $TOKEN >%[2]s"
    environment = {
      TOKEN = coder_agent.%[1]s.token
    }
  }
}
`

func (w *world) makeAgents(t *testing.T, names []string) {
	t.Helper()
	text := agentTemplate
	for _, n := range names {
		text += fmt.Sprintf(oneAgent, n, filepath.Join(w.admin.Home, "token-"+n))
	}
	w.admin.OK("templates", "push", "sites", "-d", w.admin.WriteTemplate("sites", text), "-y")
	w.admin.OK("create", "demo", "-t", "sites", "-y")
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(w.admin.Home, "token-"+n))
		require.NoError(t, err)
		w.tokens[n] = string(b)
	}
}

// kind is how a site is connected.
type kind struct {
	routers   int  // that translate addresses, one behind the other
	symmetric bool // each destination sees another port
	only6     bool // no IPv4
	mtu       int  // of its link; 0 for the usual
	noUDP     bool
}

// site is a computer somewhere.
type site struct {
	w       *world
	ns      *netns
	gateway string // the hub's address on its link
	link    string // the hub's interface of it
	routers []*netns
	hosts   string // its own /etc/hosts, if any
}

// place makes a site.
func (w *world) place(t *testing.T, k kind) *site {
	t.Helper()
	i := w.links.Add(1)
	ns, err := newNetns(t)
	require.NoError(t, err)
	s := &site{w: w, ns: ns, gateway: fmt.Sprintf("10.77.%d.1", i), link: fmt.Sprintf("hub%d", i)}
	outer, at := w.hub, s.link
	up, down := s.gateway, fmt.Sprintf("10.77.%d.2", i)
	for r := range k.routers {
		router, err := newNetns(t)
		require.NoError(t, err)
		s.routers = append(s.routers, router)
		w.connect(t, outer, at, up, router, "wan", down, 0)
		random := map[bool]string{true: "--random-fully"}[k.symmetric]
		w.iptables(t, router, "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE "+random)
		// As routers do: what nobody asked for leaves no trace.
		w.iptables(t, router, "iptables -A INPUT -i wan -p udp -j DROP")
		router.sh(t, "echo 1 >/proc/sys/net/ipv4/ip_forward")
		outer, at = router, "lan"
		up, down = fmt.Sprintf("192.168.%d.1", r), fmt.Sprintf("192.168.%d.2", r)
	}
	if k.only6 {
		up, down = fmt.Sprintf("2001:db8:77:%d::1", i), fmt.Sprintf("2001:db8:77:%d::2", i)
	}
	w.connect(t, outer, at, up, ns, "eth0", down, k.mtu)
	if k.noUDP {
		w.iptables(t, w.hub, fmt.Sprintf("iptables -A FORWARD -i %[1]s -p udp -j DROP\niptables -A INPUT -i %[1]s -p udp -j DROP", s.link))
	}
	return s
}

// box lets the site reach a middlebox at its gateway and nothing else in the
// world. It returns the middlebox's address.
func (s *site) box(t *testing.T, conf func(address string) *tls.Config, handle func(context.Context, net.Conn)) string {
	t.Helper()
	ln := s.w.hub.listen(t, s.gateway+":0")
	at := ln.Addr().String()
	_, port, err := net.SplitHostPort(at)
	require.NoError(t, err)
	if conf != nil {
		ln = tls.NewListener(ln, conf(at))
	}
	serve(t, ln, handle)
	s.w.iptables(t, s.w.hub, fmt.Sprintf("iptables -A FORWARD -i %[1]s -j DROP\n"+
		"iptables -A INPUT -i %[1]s -p tcp -d %[2]s --dport %[3]s -j ACCEPT\niptables -A INPUT -i %[1]s -j DROP", s.link, s.gateway, port))
	return at
}

// connect joins two namespaces with a cable.
func (w *world) connect(t *testing.T, a *netns, aName, aAddr string, b *netns, bName, bAddr string, mtu int) {
	t.Helper()
	bits := 24
	if strings.Contains(aAddr, ":") {
		bits = 64
	}
	if mtu == 0 {
		mtu = 1500
	}
	up := func(name, addr string) string {
		return fmt.Sprintf("ip addr add %s/%d dev %s %s\nip link set %s mtu %d up\n",
			addr, bits, name, map[bool]string{true: "nodad"}[bits == 64], name, mtu)
	}
	a.sh(t, fmt.Sprintf("ip link add name %s type veth peer name %s netns %s\n", aName, bName, b.path())+up(aName, aAddr))
	b.sh(t, "ip link set lo up\n"+up(bName, bAddr)+fmt.Sprintf("ip -%d route add default via %s",
		map[bool]int{true: 6, false: 4}[bits == 64], aAddr))
}

func (w *world) iptables(t testing.TB, n *netns, script string) {
	t.Helper()
	w.setup.Lock()
	defer w.setup.Unlock()
	n.sh(t, script)
}

// enter is the command prefix of the site's processes.
func (s *site) enter() []string {
	if s.hosts == "" {
		return s.ns.enter()
	}
	return append(s.ns.enter(), "unshare", "--mount", "--", "sh", "-ec", `mount --bind "$0" /etc/hosts && exec "$@"`, s.hosts)
}

// agent starts the agent of that name at the site and returns its process.
func (s *site) agent(t *testing.T, name, at string, env ...string) *os.Process {
	t.Helper()
	dir := filepath.Join(s.w.server.Dir, "agent-"+name)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	argv := append(s.enter(), servetest.Binary(), "agent")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", "SHELL=/bin/sh",
		"CODER_AGENT_URL=" + at, "CODER_AGENT_TOKEN=" + s.w.tokens[name]}, env...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(dir, "stderr"))
	require.NoError(t, err)
	cmd.Stderr = log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		// Its sessions end with it only if it may end them.
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait()
		late.Stop()
		_ = log.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("agent %s:\n%s", name, b)
		}
	})
	return cmd.Process
}

// person is the admin at the site, who reaches the server at that address.
func (s *site) person(t *testing.T, at string, env ...string) *servetest.CLI {
	t.Helper()
	return s.w.admin.At(t, s.enter(), append([]string{"CODER_URL=" + at}, env...)...)
}

// setHosts gives the site names of its own, as lines of /etc/hosts.
func (s *site) setHosts(t *testing.T, lines ...string) {
	t.Helper()
	s.hosts = filepath.Join(t.TempDir(), "hosts")
	require.NoError(t, os.WriteFile(s.hosts, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

// copyUntil copies until no byte came for idle.
func copyUntil(to io.Writer, from net.Conn, idle time.Duration) error {
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(time.Now().Add(idle))
		n, err := from.Read(buf)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if err != nil {
			return err
		}
	}
}
