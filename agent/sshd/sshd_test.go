package sshd_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
	"coder.internal/agent/sshd"
	"coder.internal/api"
)

// workspace is a running server and how the real OpenSSH client reaches it.
type workspace struct {
	home string
	port string
	stop func() error
}

func start(t testing.TB, change ...func(*sshd.Options)) *workspace {
	t.Helper()
	home := t.TempDir()
	key, err := sshd.HostKey(api.NewID())
	require.NoError(t, err)
	account := child.LookupAccount(os.Environ())
	account.Home, account.Shell = home, "/bin/bash"
	o := sshd.Options{
		Log: slog.New(slog.DiscardHandler), HostKey: key, Account: account,
		Environ: child.Merge(os.Environ(), []string{"CODER=true"}), WaitDelay: 300 * time.Millisecond,
	}
	for _, f := range change {
		f(&o)
	}
	srv, err := sshd.New(o)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	var stopped bool
	w := &workspace{home: home, port: port}
	w.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return fmt.Errorf("server did not stop")
		}
	}
	t.Cleanup(func() { require.NoError(t, w.stop()) })
	return w
}

// options are those of every call: no file of the machine's user takes part.
func (w *workspace) options() []string {
	return []string{"-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "HostName=127.0.0.1", "-o", "IdentityFile=none", "-o", "BatchMode=yes"}
}

func (w *workspace) ssh(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	all := append(w.options(), "-p", w.port)
	return exec.CommandContext(ctx, "ssh", append(all, args...)...)
}

func (w *workspace) output(t *testing.T, args ...string) string {
	t.Helper()
	cmd := w.ssh(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}

func exitCode(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err == nil {
		return 0
	}
	var ee *exec.ExitError
	require.ErrorAs(t, err, &ee, string(out))
	return ee.ExitCode()
}

func TestExec(t *testing.T) {
	t.Parallel()
	w := start(t)
	for command, want := range map[string]int{"true": 0, "exit 7": 7, "exit 255": 255, "no-such-program": 127} {
		require.Equal(t, want, exitCode(t, w.ssh(t, "ws", command)), command)
	}
	cmd := w.ssh(t, "ws", "echo out; echo err >&2; tty; pwd; echo $HOME $CODER $USER; cat")
	cmd.Stdin = strings.NewReader("in\n")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run())
	require.Equal(t, fmt.Sprintf("out\nnot a tty\n%s\n%s true %s\nin\n", w.home, w.home, child.LookupAccount(nil).Name), stdout.String())
	require.Equal(t, "err\n", stderr.String())
}

func TestSessionEnvironment(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sshd.Options) { o.Directory = "/does/not/exist" })
	cmd := w.ssh(t, "-o", "SendEnv=LC_OURS CODER_SSH_SESSION_TYPE", "ws",
		`echo "$LC_OURS|$CODER_SSH_SESSION_TYPE|$LOGNAME|$SHELL"; pwd; echo $SSH_CONNECTION; echo $SSH_CLIENT`)
	cmd.Env = append(os.Environ(), "LC_OURS=a b", "CODER_SSH_SESSION_TYPE=vscode")
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	require.Equal(t, "a b||"+child.LookupAccount(nil).Name+"|/bin/bash", lines[0])
	require.Equal(t, w.home, lines[1], "a missing directory falls back to home")
	require.Regexp(t, `^127\.0\.0\.1 \d+ 127\.0\.0\.1 `+w.port+`$`, lines[2])
	require.Regexp(t, `^127\.0\.0\.1 \d+ `+w.port+`$`, lines[3])
}

func TestContainerSessionIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	cmd := w.ssh(t, "-o", "SetEnv=CODER_CONTAINER=other", "ws", "echo ran")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "not supported")
	require.NotContains(t, string(out), "ran")
}

// A stream of random bytes is unchanged both ways, at a size far above windows.
func TestBinaryStreams(t *testing.T) {
	t.Parallel()
	w := start(t)
	data := make([]byte, 20<<20)
	_, _ = rand.Read(data)
	cmd := w.ssh(t, "ws", "cat")
	cmd.Stdin = bytes.NewReader(data)
	sum := sha256.New()
	cmd.Stdout = sum
	require.NoError(t, cmd.Run())
	require.Equal(t, sha256.Sum256(data), [32]byte(sum.Sum(nil)))
}

// The last bytes of a process that has ended already are not lost on a client
// that reads slower than WaitDelay.
func TestSlowReaderGetsAll(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sshd.Options) { o.WaitDelay = time.Millisecond })
	cmd := w.ssh(t, "ws", "head -c 6000000 /dev/zero; (sleep 30 &)")
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var n int64
	for {
		m, err := io.CopyN(io.Discard, pipe, 1_500_000)
		if n += m; err != nil {
			break
		}
		<-time.After(50 * time.Millisecond) // the slow reader itself
	}
	require.NoError(t, cmd.Wait())
	require.EqualValues(t, 6_000_000, n)
}

func TestBackgroundChildDoesNotBlock(t *testing.T) {
	t.Parallel()
	w := start(t)
	began := time.Now()
	require.Equal(t, "started\n", w.output(t, "ws", "sleep 60 & echo started"))
	require.Less(t, time.Since(began), 20*time.Second)
}

func TestPTY(t *testing.T) {
	t.Parallel()
	motd := filepath.Join(t.TempDir(), "motd")
	require.NoError(t, os.WriteFile(motd, []byte("be welcome\n"), 0o600))
	w := start(t, func(o *sshd.Options) { o.MOTDFile = motd })
	cmd := w.ssh(t, "-tt", "ws", `tty; stty size; echo "$TERM|$SSH_TTY"; exit 3`)
	cmd.Env = append(os.Environ(), "TERM=vt100")
	out, err := cmd.Output()
	var ee *exec.ExitError
	require.ErrorAs(t, err, &ee)
	require.Equal(t, 3, ee.ExitCode())
	require.Regexp(t, `^/dev/pts/\d+\r\n\d+ \d+\r\nvt100\|/dev/pts/\d+\r\n$`, string(out))

	cmd = w.ssh(t, "-tt", "ws")
	cmd.Stdin = strings.NewReader("echo login=$(shopt -q login_shell && echo yes)\nexit 4\n")
	out, err = cmd.Output()
	require.ErrorAs(t, err, &ee)
	require.Equal(t, 4, ee.ExitCode())
	require.True(t, strings.HasPrefix(string(out), "be welcome\r\n"), string(out))
	require.Contains(t, string(out), "login=yes\r\n")
}

func TestClientGoneHangsUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	mark := filepath.Join(w.home, "hup")
	cmd := w.ssh(t, "ws", fmt.Sprintf("trap 'echo gone >%s; exit' HUP; echo up; while :; do sleep 0.05; done", mark))
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var up string
	_, err = fmt.Fscan(pipe, &up) // the trap is set
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { _, err := os.Stat(mark); return err == nil }, 10*time.Second, 10*time.Millisecond)
}

func TestStopKillsWhatIgnoresHangup(t *testing.T) {
	t.Parallel()
	w := start(t)
	cmd := w.ssh(t, "ws", "trap '' HUP TERM; echo $$; while :; do sleep 0.05; done")
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var pid int
	_, err = fmt.Fscan(pipe, &pid)
	require.NoError(t, err)
	require.NoError(t, w.stop())
	_ = cmd.Wait()
	_, err = os.Stat(fmt.Sprintf("/proc/%d", pid))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// logged is what a server has written to its log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) lines(with string) int { return strings.Count(l.String(), with) }
