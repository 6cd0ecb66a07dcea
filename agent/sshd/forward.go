package sshd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"
)

type directTCP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

type tcpForward struct {
	Host string
	Port uint32
}

type directUnix struct {
	Path      string
	Reserved  string
	Reserved2 uint32
}

// directTCP serves `ssh -L`, `-D` and `-W`: the agent dials for the client.
func (c *connection) directTCP(ctx context.Context, nc ssh.NewChannel) {
	var d directTCP
	if err := ssh.Unmarshal(nc.ExtraData(), &d); err != nil || d.Port > 65535 {
		_ = nc.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	c.dial(ctx, nc, "tcp", net.JoinHostPort(d.Host, strconv.Itoa(int(d.Port))), c.srv.join)
}

// directUnix serves `ssh -L` to a socket in the workspace.
func (c *connection) directUnix(ctx context.Context, nc ssh.NewChannel) {
	var d directUnix
	if err := ssh.Unmarshal(nc.ExtraData(), &d); err != nil || d.Path == "" {
		_ = nc.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	c.dial(ctx, nc, "unix", d.Path, c.srv.join)
}

// joiner copies between a channel and a connection until one has ended.
type joiner func(ctx context.Context, ch ssh.Channel, conn net.Conn)

// dial blocks until the forwarded connection has ended.
func (c *connection) dial(ctx context.Context, nc ssh.NewChannel, network, addr string, join joiner) {
	if c.srv.opts.BlockLocalPortForwarding {
		_ = nc.Reject(ssh.Prohibited, "local port forwarding is blocked by the administrator")
		return
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		_ = conn.Close()
		return
	}
	c.wg.Go(func() { ssh.DiscardRequests(reqs) })
	c.forwarded(addr)
	defer c.srv.opts.Began(KindForward)()
	join(ctx, ch, conn)
}

// join copies both ways until both have ended, keeping half-closed streams, and
// closes both. An error in one direction ends the other too, and so does the end
// of ctx, which is that of the SSH connection.
func (s *Server) join(ctx context.Context, ch ssh.Channel, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		if s.copy(ch, conn) != nil || ch.CloseWrite() != nil {
			_ = ch.Close()
			_ = conn.Close()
		}
	})
	if s.copy(conn, ch) != nil || closeWrite(conn) != nil {
		_ = ch.Close()
		_ = conn.Close()
	}
	wg.Wait()
	_ = ch.Close()
	_ = conn.Close()
}

func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return conn.Close()
}

// forward is one `ssh -R`: listeners here, channels to the client.
type forward struct {
	listeners []net.Listener
	open      func(from net.Addr) (kind string, payload []byte)
}

// listenTCP binds to loopback only, whatever was asked for, like sshd without
// GatewayPorts: a neighbour of the workspace must not reach the client.
func (c *connection) listenTCP(ctx context.Context, payload []byte) (bool, []byte) {
	var req tcpForward
	if ssh.Unmarshal(payload, &req) != nil || req.Port > 65535 || !c.mayListen() {
		return false, nil
	}
	first, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(req.Port))))
	if err != nil {
		c.srv.opts.Log.Debug("remote forward refused", "error", err)
		return false, nil
	}
	port := uint32(first.Addr().(*net.TCPAddr).Port)
	f := &forward{listeners: []net.Listener{first}}
	// Best effort: not every workspace has IPv6.
	if second, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(int(port)))); err == nil {
		f.listeners = append(f.listeners, second)
	}
	f.open = func(from net.Addr) (string, []byte) {
		origin, _ := from.(*net.TCPAddr)
		return "forwarded-tcpip", ssh.Marshal(directTCP{req.Host, port, origin.IP.String(), uint32(origin.Port)})
	}
	if !c.addForward(ctx, tcpKey(req.Host, port), f) {
		return false, nil
	}
	if req.Port == 0 {
		return true, ssh.Marshal(struct{ Port uint32 }{port})
	}
	return true, nil
}

func (c *connection) cancelTCP(payload []byte) bool {
	var req tcpForward
	return ssh.Unmarshal(payload, &req) == nil && c.cancelForward(tcpKey(req.Host, req.Port))
}

func tcpKey(host string, port uint32) string { return fmt.Sprintf("tcp %s %d", host, port) }

// listenUnix serves `ssh -R` from a socket in the workspace, readable by the
// user only. A socket left over at that path is replaced; a file is not.
func (c *connection) listenUnix(ctx context.Context, payload []byte) bool {
	var req struct{ Path string }
	if ssh.Unmarshal(payload, &req) != nil || !filepath.IsAbs(req.Path) || !c.mayListen() {
		return false
	}
	l, err := listenPrivate(req.Path)
	if err != nil {
		c.srv.opts.Log.Debug("remote forward refused", "error", err)
		return false
	}
	f := &forward{listeners: []net.Listener{l}}
	f.open = func(net.Addr) (string, []byte) {
		return "forwarded-streamlocal@openssh.com", ssh.Marshal(struct{ Path, Reserved string }{req.Path, ""})
	}
	return c.addForward(ctx, "unix "+req.Path, f)
}

func (c *connection) cancelUnix(payload []byte) bool {
	var req struct{ Path string }
	return ssh.Unmarshal(payload, &req) == nil && c.cancelForward("unix "+req.Path)
}

// listenPrivate makes the socket in a directory of its own and moves it to path
// when its mode is set, so that at no moment somebody else can connect.
func listenPrivate(path string) (net.Listener, error) {
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s exists and is not a socket", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".fwd")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := listenSocket(dir, "s")
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	var file fs.FileInfo
	if err = os.Chmod(made, 0o600); err == nil {
		if file, err = os.Lstat(made); err == nil {
			err = os.Rename(made, path)
		}
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return &movedSocket{Listener: l, path: path, file: file}, nil
}

// listenSocket makes the socket name in dir. The path may be longer than a socket's
// may, as long as the one that it is moved to is not: Linux has a short way.
func listenSocket(dir, name string) (*net.UnixListener, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	short := fmt.Sprintf("/proc/self/fd/%d", d.Fd())
	if _, err := os.Stat(short); err == nil {
		dir = short
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
}

// movedSocket removes its file where it is now, not where it was made, and only
// while it is its own: a client that came back has put a new one there, before
// its dead connection was noticed.
type movedSocket struct {
	net.Listener
	path string
	file fs.FileInfo
}

func (m *movedSocket) Close() error {
	if now, err := os.Lstat(m.path); err == nil && os.SameFile(now, m.file) {
		_ = os.Remove(m.path)
	}
	return m.Listener.Close()
}

func (c *connection) mayListen() bool { return !c.srv.opts.BlockReversePortForwarding }

// addForward starts f, or closes it if the connection is over its limit.
func (c *connection) addForward(ctx context.Context, key string, f *forward) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.listeners[key]; taken || c.closed || len(c.listeners) >= maxListeners {
		f.close()
		return false
	}
	c.listeners[key] = f
	for _, l := range f.listeners {
		c.wg.Go(func() { c.serveForward(ctx, f, l) })
	}
	return true
}

func (c *connection) cancelForward(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.listeners[key]
	if ok {
		delete(c.listeners, key)
		f.close()
	}
	return ok
}

func (c *connection) closeListeners() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, f := range c.listeners {
		f.close()
	}
}

func (f *forward) close() {
	for _, l := range f.listeners {
		_ = l.Close()
	}
}

// serveForward accepts until l is closed.
func (c *connection) serveForward(ctx context.Context, f *forward, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		kind, payload := f.open(conn.RemoteAddr())
		c.carry(ctx, &c.wg, conn, kind, payload)
	}
}

// carry joins conn with a new channel to the client, in wg. Beyond the channel
// limit it closes conn at once; otherwise it owns it until both end or the SSH
// connection does. It does not block.
func (c *connection) carry(ctx context.Context, wg *sync.WaitGroup, conn net.Conn, kind string, payload []byte) {
	if !take(c.channels) {
		_ = conn.Close()
		return
	}
	wg.Go(func() {
		defer func() { <-c.channels }()
		ch, reqs, err := c.ssh.OpenChannel(kind, payload)
		if err != nil {
			_ = conn.Close()
			return
		}
		wg.Go(func() { ssh.DiscardRequests(reqs) })
		c.srv.join(ctx, ch, conn)
	})
}
