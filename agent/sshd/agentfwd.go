package sshd

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/crypto/ssh"
)

// maxAgentConns bounds what processes of one session may have open to the
// client's key agent.
const maxAgentConns = 64

// agentSocket leads from a session's processes to the client's key agent.
type agentSocket struct {
	path     string
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once closed
}

// forwardAgent opens the socket in a directory that only this user can enter.
func (s *session) forwardAgent(ctx context.Context) bool {
	if s.started {
		return false
	}
	if s.agent != nil {
		return true
	}
	a, err := listenAgent()
	if err != nil {
		s.conn.srv.opts.Log.Warn("agent forwarding refused", "error", err)
		return false
	}
	s.agent = a
	a.wg.Go(func() { a.serve(ctx, s.conn) })
	return true
}

func listenAgent() (*agentSocket, error) {
	dir, err := os.MkdirTemp(socketParent(os.TempDir()), "coder-ssh-agent-")
	if err != nil {
		return nil, fmt.Errorf("make agent directory: %w", err)
	}
	path := filepath.Join(dir, "agent.sock")
	l, err := net.Listen("unix", path)
	if err == nil {
		if err = os.Chmod(path, 0o600); err != nil {
			_ = l.Close()
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("listen for agent: %w", err)
	}
	return &agentSocket{path: path, listener: l, conns: make(map[net.Conn]struct{})}, nil
}

// maxSocketParent is the longest directory, in bytes, in which the socket's path
// is still one: systems take 103 or 107 bytes, and 37 are for what comes below.
const maxSocketParent = 66

// socketParent is dir, or /tmp where dir is too long to hold a socket, as that of
// a workspace deep in the file system is.
func socketParent(dir string) string {
	if len(dir) > maxSocketParent && runtime.GOOS != "windows" {
		return "/tmp"
	}
	return dir
}

func (a *agentSocket) serve(ctx context.Context, c *connection) {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return
		}
		if !a.add(conn) {
			_ = conn.Close()
			continue
		}
		a.wg.Go(func() {
			defer a.remove(conn)
			ch, reqs, err := c.ssh.OpenChannel("auth-agent@openssh.com", nil)
			if err != nil {
				_ = conn.Close()
				return
			}
			a.wg.Go(func() { ssh.DiscardRequests(reqs) })
			c.srv.join(ctx, ch, conn)
		})
	}
}

func (a *agentSocket) add(conn net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns == nil || len(a.conns) >= maxAgentConns {
		return false
	}
	a.conns[conn] = struct{}{}
	return true
}

func (a *agentSocket) remove(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, conn)
}

// close ends the socket and its connections and removes the directory. It blocks
// until they have ended. A nil socket is fine.
func (a *agentSocket) close() {
	if a == nil {
		return
	}
	_ = a.listener.Close()
	a.mu.Lock()
	conns := a.conns
	a.conns = nil
	a.mu.Unlock()
	for conn := range conns {
		_ = conn.Close()
	}
	a.wg.Wait()
	_ = os.RemoveAll(filepath.Dir(a.path))
}
