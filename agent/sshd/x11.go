package sshd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// Displays are looked for from 10 on, as in sshd, so that they do not clash with
// X servers of the workspace itself.
const (
	firstDisplay  = 10
	displays      = 1000
	x11BasePort   = 6000
	maxX11Cookie  = 256 // bytes
	maxX11Screen  = 255
	maxXauthority = 256 << 10 // bytes of the user's own file
)

type x11Request struct {
	Single   bool
	Protocol string
	Cookie   string // hexadecimal
	Screen   uint32
}

type x11Origin struct {
	Host string
	Port uint32
}

// x11Display is a display of the workspace that leads to the client's X server.
// Everybody in the workspace may connect, as with sshd; the client's ssh then
// asks for the cookie, which is in a file that only this user can read. The
// display ends with the session; windows that are open then stay until the
// connection ends.
type x11Display struct {
	listeners []net.Listener
	number    int
	screen    uint32
	dir       string
	wg        sync.WaitGroup
	once      chan struct{} // holds the only connection, if there may be one; or nil
}

// forwardX11 handles x11-req, of which a session has one.
func (s *session) forwardX11(ctx context.Context, payload []byte) bool {
	var req x11Request
	if runtime.GOOS == "windows" || s.started || s.x11 != nil || ssh.Unmarshal(payload, &req) != nil {
		return false
	}
	d, err := s.openDisplay(req)
	if err != nil {
		s.conn.srv.opts.Log.Warn("x11 forwarding refused", "error", err)
		return false
	}
	s.x11 = d
	for _, l := range d.listeners {
		d.wg.Go(func() { d.serve(ctx, s.conn, l) })
	}
	return true
}

func (s *session) openDisplay(req x11Request) (*x11Display, error) {
	cookie, err := hex.DecodeString(req.Cookie)
	if err != nil || len(cookie) == 0 || len(cookie) > maxX11Cookie {
		return nil, errors.New("the cookie is not hexadecimal or too long")
	}
	if !validX11Protocol(req.Protocol) || req.Screen > maxX11Screen {
		return nil, errors.New("the authentication protocol or the screen is not valid")
	}
	d := &x11Display{screen: req.Screen}
	if req.Single {
		d.once = make(chan struct{}, 1)
	}
	if err := d.listen(); err != nil {
		return nil, err
	}
	if d.dir, err = os.MkdirTemp("", "coder-ssh-x11-"); err == nil {
		err = os.WriteFile(d.authority(), append(xauthEntries(d.number, req.Protocol, cookie), s.ownXauthority()...), 0o600)
	}
	if err != nil {
		d.close()
		return nil, fmt.Errorf("write the cookie: %w", err)
	}
	return d, nil
}

func validX11Protocol(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// listen takes the first display that is free on all of loopback.
func (d *x11Display) listen() error {
	for n := firstDisplay; n < firstDisplay+displays; n++ {
		port := strconv.Itoa(x11BasePort + n)
		four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			continue
		}
		six, err := net.Listen("tcp6", net.JoinHostPort("::1", port))
		switch {
		case err == nil:
			d.listeners = []net.Listener{four, six}
		case errors.Is(err, syscall.EADDRINUSE): // a program that means this display might get another's
			_ = four.Close()
			continue
		default: // not every workspace has IPv6
			d.listeners = []net.Listener{four}
		}
		d.number = n
		return nil
	}
	return fmt.Errorf("no display is free from :%d to :%d", firstDisplay, firstDisplay+displays-1)
}

func (d *x11Display) serve(ctx context.Context, c *connection, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if d.once != nil {
			select {
			case d.once <- struct{}{}:
				d.stop() // nobody else may come
			default:
				_ = conn.Close()
				continue
			}
		}
		var origin x11Origin
		if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			origin = x11Origin{tcp.IP.String(), uint32(tcp.Port)}
		}
		c.carry(ctx, &c.srv.wg, conn, "x11", ssh.Marshal(origin))
	}
}

// environ is what X programs of the session need.
func (d *x11Display) environ() []string {
	if d == nil {
		return nil
	}
	return []string{fmt.Sprintf("DISPLAY=localhost:%d.%d", d.number, d.screen), "XAUTHORITY=" + d.authority()}
}

func (d *x11Display) authority() string { return filepath.Join(d.dir, "Xauthority") }

func (d *x11Display) stop() {
	for _, l := range d.listeners {
		_ = l.Close()
	}
}

// close ends the display and removes the cookie; it blocks until nothing more is
// accepted. A nil display is fine.
func (d *x11Display) close() {
	if d == nil {
		return
	}
	d.stop()
	d.wg.Wait()
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}
