package sshd_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"coder.internal/agent/sshd"
)

// tool runs one of OpenSSH's companions, or one that starts ssh by itself.
func (w *workspace) tool(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command("timeout", append([]string{"60", name}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

func randomFile(t *testing.T, size int) (path string, data []byte) {
	t.Helper()
	data = make([]byte, size)
	_, _ = rand.Read(data)
	path = filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path, data
}

func requireFile(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "%s differs", path)
}

func TestFileTransfer(t *testing.T) {
	t.Parallel()
	w := start(t)
	path, data := randomFile(t, 3<<20)
	scp := append(w.options(), "-P", w.port)
	w.tool(t, "scp", append(scp, path, "ws:by-scp")...)
	requireFile(t, filepath.Join(w.home, "by-scp"), data)
	w.tool(t, "scp", append(scp, "-O", path, "ws:by-old-scp")...)
	requireFile(t, filepath.Join(w.home, "by-old-scp"), data)
	back := filepath.Join(t.TempDir(), "back")
	w.tool(t, "scp", append(scp, "ws:by-scp", back)...)
	requireFile(t, back, data)

	batch := filepath.Join(t.TempDir(), "batch")
	require.NoError(t, os.WriteFile(batch, []byte(fmt.Sprintf("put %s by-sftp\nget by-sftp %s2\nrename by-sftp moved\n", path, back)), 0o600))
	w.tool(t, "sftp", append(scp, "-b", batch, "ws")...)
	requireFile(t, filepath.Join(w.home, "moved"), data)
	requireFile(t, back+"2", data)

	rsh := "ssh -p " + w.port + " " + strings.Join(w.options(), " ")
	w.tool(t, "rsync", "-e", rsh, path, "ws:by-rsync")
	requireFile(t, filepath.Join(w.home, "by-rsync"), data)
}

func TestGitClone(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.output(t, "ws", `git init -q repo && cd repo && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m "first one"`)
	to := filepath.Join(t.TempDir(), "clone")
	w.tool(t, "env", "GIT_SSH_COMMAND=ssh -p "+w.port+" "+strings.Join(w.options(), " "), "git", "clone", "-q", "ws:repo", to)
	out, err := exec.Command("git", "-C", to, "log", "--format=%s").Output()
	require.NoError(t, err)
	require.Equal(t, "first one\n", string(out))
}

func TestFileTransferBlocked(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sshd.Options) { o.BlockFileTransfer = true })
	path, _ := randomFile(t, 10)
	for _, args := range [][]string{{path, "ws:f"}, {"-O", path, "ws:f"}} {
		require.Error(t, exec.Command("scp", append(append(w.options(), "-P", w.port), args...)...).Run())
	}
	require.Equal(t, 65, exitCode(t, w.ssh(t, "ws", "cd /tmp && /usr/bin/rsync --server . x")))
	require.NoFileExists(t, filepath.Join(w.home, "f"))
	require.Equal(t, "scp\n", w.output(t, "ws", "echo scp"), "an argument is not a program")
}

func (w *workspace) dial(t *testing.T) *ssh.Client {
	t.Helper()
	c, err := ssh.Dial("tcp", net.JoinHostPort("127.0.0.1", w.port),
		&ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestSignals(t *testing.T) {
	t.Parallel()
	c := start(t).dial(t)
	for _, sig := range []ssh.Signal{ssh.SIGTERM, ssh.SIGINT, ssh.SIGHUP, ssh.SIGKILL, ssh.SIGUSR1} {
		s, err := c.NewSession()
		require.NoError(t, err)
		out, err := s.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, s.Start("echo up; exec sleep 60"))
		_, err = io.ReadFull(out, make([]byte, 3))
		require.NoError(t, err)
		require.NoError(t, s.Signal(sig))
		var ee *ssh.ExitError
		require.ErrorAs(t, s.Wait(), &ee)
		require.Equal(t, string(sig), ee.Signal())
	}
}

func TestWindowChange(t *testing.T) {
	t.Parallel()
	s, err := start(t).dial(t).NewSession()
	require.NoError(t, err)
	require.NoError(t, s.RequestPty("vt100", 24, 80, ssh.TerminalModes{ssh.ECHO: 0}))
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	require.NoError(t, s.Start("stty size; stty -a | grep -o -- '-echo '; read x; stty size"))
	buf := make([]byte, len("24 80\r\n-echo \r\n"))
	_, err = io.ReadFull(out, buf)
	require.NoError(t, err)
	require.Equal(t, "24 80\r\n-echo \r\n", string(buf))
	require.NoError(t, s.WindowChange(30, 100))
	// Requests are taken one after another; what is typed is not among them.
	_, err = s.SendRequest("any@example.com", true, nil)
	require.NoError(t, err)
	_, _ = io.WriteString(in, "go\n")
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	require.Equal(t, "30 100\r\n", string(rest))
	require.NoError(t, s.Wait())
}

// echo serves "<mark>" + what it reads until the client half-closes.
func echo(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				all, _ := io.ReadAll(c)
				_, _ = c.Write(append([]byte("echo:"), all...))
			}()
		}
	}()
	return l
}

// ask sends, half-closes and reads to the end: both halves must be kept apart.
func ask(t *testing.T, c net.Conn, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "hello")
	require.NoError(t, err)
	require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
	all, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(all)
}

func TestForwarding(t *testing.T) {
	t.Parallel()
	w := start(t)
	tcp := echo(t, "tcp", "127.0.0.1:0")
	dir := t.TempDir()
	near, far, sock := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "echo")
	echo(t, "unix", sock)
	cmd := w.ssh(t, "-o", "ExitOnForwardFailure=yes", "-L", near+":"+tcp.Addr().String(),
		"-L", near+"2:"+sock, "-R", "0:"+tcp.Addr().String(), "-R", far+":"+sock, "ws",
		"echo ready; cat")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	for i, a := range cmd.Args {
		if strings.HasPrefix(a, "LogLevel=") {
			cmd.Args[i] = "LogLevel=INFO"
		}
	}
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, len("ready\n")))
	require.NoError(t, err)
	var port int
	for line := ""; port == 0; {
		b := make([]byte, 1)
		_, err = stderr.Read(b)
		require.NoError(t, err, line)
		if line += string(b); b[0] == '\n' {
			_, _ = fmt.Sscanf(line, "Allocated port %d", &port)
			line = ""
		}
	}
	dial := func(network, addr string) string {
		c, err := net.Dial(network, addr)
		return ask(t, c, err)
	}
	require.Equal(t, "echo:hello", dial("unix", near))
	require.Equal(t, "echo:hello", dial("unix", near+"2"))
	require.Equal(t, "echo:hello", dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)))
	require.Equal(t, "echo:hello", dial("unix", far))
	st, err := os.Stat(far)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, st.Mode().Perm())
	_ = stdin.Close()
	require.NoError(t, cmd.Wait())
	require.Eventually(t, func() bool { _, err := os.Lstat(far); return os.IsNotExist(err) }, 10*time.Second, 5*time.Millisecond)
}

// A client that leaves ends forwarded connections whose other side stays open.
func TestForwardEndsWithClient(t *testing.T) {
	t.Parallel()
	w := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	c := w.dial(t)
	_, err = c.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, far.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = far.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestForwardingBlocked(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sshd.Options) { o.BlockLocalPortForwarding, o.BlockReversePortForwarding = true, true })
	tcp := echo(t, "tcp", "127.0.0.1:0")
	c := w.dial(t)
	_, err := c.Dial("tcp", tcp.Addr().String())
	require.ErrorContains(t, err, "blocked by the administrator")
	_, err = c.Listen("tcp", "127.0.0.1:0")
	require.Error(t, err)
}

// Clients without AES-GCM get in as well; OpenSSH gets AES-GCM although it likes
// another cipher better.
func TestCiphers(t *testing.T) {
	t.Parallel()
	w := start(t)
	verbose := w.ssh(t, "-vv", "ws", "true")
	for i, a := range verbose.Args {
		if strings.HasPrefix(a, "LogLevel=") {
			verbose.Args[i] = "LogLevel=DEBUG1"
		}
	}
	out, err := verbose.CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "kex: algorithm: curve25519-sha256")
	require.Contains(t, string(out), "cipher: aes128-gcm@openssh.com")
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", w.port))
	require.NoError(t, err)
	conf := &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey(), ClientVersion: "SSH-2.0-Other_1"}
	conf.Ciphers = []string{ssh.CipherAES256CTR}
	sc, _, _, err := ssh.NewClientConn(c, "", conf)
	require.NoError(t, err)
	_ = sc.Close()
}

// What is not SSH is turned away and harms nobody.
func TestHostileBytes(t *testing.T) {
	t.Parallel()
	log := &logged{}
	w := start(t, func(o *sshd.Options) { o.Log = slog.New(slog.NewTextHandler(log, nil)) })
	for _, bytes := range []string{"", strings.Repeat("x", 4096), "SSH-2.0-x\r\n\xff\xff\xff\xff", "\n\n\n"} {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", w.port))
		require.NoError(t, err)
		_, _ = io.WriteString(c, bytes)
		_ = c.Close()
	}
	require.Eventually(t, func() bool { return log.lines("handshake ended") == 1 }, 10*time.Second, 5*time.Millisecond)
	cl := w.dial(t)
	for _, kind := range []string{"session", "direct-tcpip", "direct-streamlocal@openssh.com", "x"} {
		if ch, reqs, err := cl.OpenChannel(kind, []byte{0xff, 0xff}); err == nil {
			go ssh.DiscardRequests(reqs)
			for _, r := range []string{"pty-req", "env", "exec", "window-change", "signal", "subsystem"} {
				ok, err := ch.SendRequest(r, true, []byte{0xff, 0xff, 0xff, 0xff})
				require.NoError(t, err)
				require.False(t, ok, r)
			}
			_ = ch.Close()
		}
	}
	require.Equal(t, "still here\n", w.output(t, "ws", "echo still here"))
}
