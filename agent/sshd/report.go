package sshd

import (
	"net"
	"strings"
	"sync"

	"coder.internal/agent/child"
	"coder.internal/api"
)

// Beginning is a connection that somebody has just opened.
type Beginning struct {
	Type api.ConnectionType
	IP   string // of the client, in the tunnel
	// Target is the host and port of a forwarded connection.
	Target string
}

// Report hears of a beginning and returns what hears of its end. It must not block.
type Report func(Beginning) (ended func(exitCode int, reason string))

// maxTargets bounds the targets of one connection that are told apart.
const maxTargets = 32

// begin marks the session as started, and tells what its client calls itself.
func (s *session) begin() {
	kind, b := KindSSH, Beginning{Type: api.ConnectionSSH, IP: s.conn.ip()}
	switch Kind(strings.ToLower(child.Get(s.env, "CODER_SSH_SESSION_TYPE"))) {
	case KindVSCode:
		kind, b.Type = KindVSCode, api.ConnectionVSCode
	case KindJetBrains:
		kind, b.Type = KindJetBrains, api.ConnectionJetBrains
	}
	s.started, s.counted = true, s.conn.srv.opts.Began(kind)
	if report := s.conn.srv.opts.Report; report != nil {
		s.ended = report(b)
	}
}

// end tells the end of a session, with the code that its client got.
func (s *session) end() {
	if s.counted != nil {
		s.counted()
	}
	if s.ended != nil {
		s.ended(int(s.code.Load()), "")
	}
}

func (c *connection) ip() string {
	ip, _ := splitAddr(c.ssh.RemoteAddr())
	if net.ParseIP(ip) == nil {
		return ""
	}
	return ip
}

// forwards are the targets that a connection has forwarded to: each is reported
// once, however many streams there are, and ends with the connection.
type forwards struct {
	mu    sync.Mutex
	over  bool
	known map[string]func(int, string)
}

// forwarded reports the first stream to a target.
func (c *connection) forwarded(target string) {
	report := c.srv.opts.Report
	if report == nil {
		return
	}
	f := &c.forwards
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, told := f.known[target]; told || f.over || len(f.known) >= maxTargets {
		return
	}
	if f.known == nil {
		f.known = map[string]func(int, string){}
	}
	f.known[target] = report(Beginning{Type: api.ConnectionPortForwarding, IP: c.ip(), Target: target})
}

// endForwards reports the ends.
func (c *connection) endForwards() {
	c.forwards.mu.Lock()
	defer c.forwards.mu.Unlock()
	c.forwards.over = true
	for _, ended := range c.forwards.known {
		ended(0, "The connection was closed.")
	}
}
