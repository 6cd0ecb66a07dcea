package sshd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"coder.internal/agent/child"
)

// Limits of one session's environment.
const (
	maxEnvEntries = 256
	maxEnvBytes   = 128 << 10
)

// session is one channel of type "session". Its fields belong to the loop over
// its requests; what the process side needs is handed over at start.
type session struct {
	conn *connection
	ch   ssh.Channel

	env      []string
	envBytes int
	pty      *ptyRequest
	agent    *agentSocket
	x11      *x11Display

	started bool
	counted func()        // tells who counts sessions of the end; nil before start
	term    child.PTY     // if any
	done    chan struct{} // closed when the process side has finished
	stdin   sync.WaitGroup

	ended func(exitCode int, reason string) // tells of the end; nil before start
	code  atomic.Int32                      // that the client got

	mu   sync.Mutex
	proc *os.Process // nil before start and once reaped
}

type ptyRequest struct {
	Term          string
	Cols, Rows    uint32
	Width, Height uint32
	Modes         string
}

func (p *ptyRequest) size() child.PTYSize {
	return child.PTYSize{Cols: p.Cols, Rows: p.Rows, Width: p.Width, Height: p.Height}
}

type windowChange struct{ Cols, Rows, Width, Height uint32 }

func (c *connection) session(ctx context.Context, nc ssh.NewChannel) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	s := &session{conn: c, ch: ch, done: make(chan struct{})}
	for r := range reqs {
		ok := s.request(ctx, r)
		if r.WantReply && !startsProcess(r.Type) {
			_ = r.Reply(ok, nil)
		}
	}
	if s.started {
		s.signal(child.Hangup)
		if s.term != nil {
			_ = s.term.Close()
		}
		select {
		case <-s.done:
		case <-c.srv.kill:
			s.signal(child.Kill)
			<-s.done
		}
		s.end()
	}
	_ = ch.Close()
	s.stdin.Wait()
	s.agent.close()
	s.x11.close()
}

// startsProcess names the requests that reply by themselves, between the start
// of the process and its first output.
func startsProcess(kind string) bool {
	return kind == "exec" || kind == "shell" || kind == "subsystem"
}

// request handles one request of the channel. It must not block.
func (s *session) request(ctx context.Context, r *ssh.Request) bool {
	switch r.Type {
	case "env":
		return s.setEnv(r.Payload)
	case "pty-req":
		return s.requestPTY(r.Payload)
	case "window-change":
		return s.resize(r.Payload)
	case "auth-agent-req@openssh.com":
		return s.forwardAgent(ctx)
	case "x11-req":
		return s.forwardX11(ctx, r.Payload)
	case "signal":
		var p struct{ Name string }
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return false
		}
		return s.signal(func(proc *os.Process) error { return child.SignalByName(proc, p.Name) })
	case "shell", "exec", "subsystem":
		s.start(ctx, r)
	}
	return false
}

func (s *session) setEnv(payload []byte) bool {
	var p struct{ Name, Value string }
	if s.started || ssh.Unmarshal(payload, &p) != nil {
		return false
	}
	s.envBytes += len(p.Name) + len(p.Value)
	if p.Name == "" || strings.ContainsAny(p.Name, "=\x00") || strings.ContainsRune(p.Value, 0) ||
		len(s.env) >= maxEnvEntries || s.envBytes > maxEnvBytes {
		return false
	}
	s.env = append(s.env, p.Name+"="+p.Value)
	return true
}

func (s *session) requestPTY(payload []byte) bool {
	var p ptyRequest
	if !child.PTYSupported() || s.started || s.pty != nil || ssh.Unmarshal(payload, &p) != nil ||
		len(p.Term) > 256 || strings.ContainsRune(p.Term, 0) {
		return false
	}
	s.pty = &p
	return true
}

func (s *session) resize(payload []byte) bool {
	var w windowChange
	if s.pty == nil || ssh.Unmarshal(payload, &w) != nil {
		return false
	}
	s.pty.Cols, s.pty.Rows, s.pty.Width, s.pty.Height = w.Cols, w.Rows, w.Width, w.Height
	return s.term == nil || s.term.Resize(s.pty.size()) == nil
}

// signal sends to the process while there is one.
func (s *session) signal(send func(*os.Process) error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc != nil && send(s.proc) == nil
}

// start handles exec, shell and subsystem, of which a session has one.
func (s *session) start(ctx context.Context, r *ssh.Request) {
	reply := func(ok bool) {
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
	}
	var p struct{ Value string }
	if s.started || (r.Type != "shell" && ssh.Unmarshal(r.Payload, &p) != nil) {
		reply(false)
		return
	}
	opts := &s.conn.srv.opts
	if r.Type == "subsystem" {
		if p.Value != "sftp" || opts.BlockFileTransfer || child.Get(s.env, "CODER_CONTAINER") != "" {
			reply(false)
			return
		}
		s.begin()
		reply(true)
		go s.serveSFTP() // session waits for done
		return
	}
	s.begin()
	if opts.BlockFileTransfer && transfersFiles(p.Value) {
		reply(true)
		s.fail(blockedExitCode, "File transfer is blocked by the administrator of this workspace.")
		return
	}
	if child.Get(s.env, "CODER_CONTAINER") != "" {
		s.startInContainer(ctx, p.Value, reply)
		return
	}
	s.run(s.command(r.Type == "shell", p.Value), r.Type == "shell", reply)
}

// command builds the process without its streams.
func (s *session) command(login bool, line string) *exec.Cmd {
	opts := &s.conn.srv.opts
	if login {
		line = ""
	}
	cmd := opts.Account.Command(line, opts.Directory, s.environ())
	child.Group(cmd)
	return cmd
}

// environ is what sshd would give, on top of the agent's own. Variables that the
// client sends for the agent alone do not reach the process.
func (s *session) environ() []string {
	opts := &s.conn.srv.opts
	remoteIP, remotePort := splitAddr(s.conn.ssh.RemoteAddr())
	localIP, localPort := splitAddr(s.conn.ssh.LocalAddr())
	own := append(opts.Account.Environ(),
		fmt.Sprintf("SSH_CLIENT=%s %s %s", remoteIP, remotePort, localPort),
		fmt.Sprintf("SSH_CONNECTION=%s %s %s %s", remoteIP, remotePort, localIP, localPort))
	if s.agent != nil {
		own = append(own, "SSH_AUTH_SOCK="+s.agent.path)
	}
	own = append(own, s.x11.environ()...)
	if s.pty != nil && s.pty.Term != "" {
		own = append(own, "TERM="+s.pty.Term)
	}
	return child.Merge(opts.Environ, own, s.sent())
}

// sent is what the client wants the process to have.
func (s *session) sent() []string {
	return child.Drop(s.env, func(name string) bool {
		return name == "CODER_SSH_SESSION_TYPE" || name == "CODER_CONTAINER" || name == "CODER_CONTAINER_USER"
	})
}

func splitAddr(a net.Addr) (ip, port string) {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.IP.String(), strconv.Itoa(tcp.Port)
	}
	return "UNKNOWN", "65535"
}
