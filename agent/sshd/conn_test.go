package sshd_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"coder.internal/agent/sshd"
)

func TestManySessionsOnOneConnection(t *testing.T) {
	t.Parallel()
	w := start(t)
	control, end := w.master(t)
	var wg sync.WaitGroup
	for i := range 50 {
		cmd := w.ssh(t, "-S", control, "ws", fmt.Sprintf("head -c 1000000 /dev/zero | wc -c; exit %d", i))
		wg.Go(func() {
			out, _ := cmd.CombinedOutput()
			if string(out) != "1000000\n" || cmd.ProcessState.ExitCode() != i {
				t.Errorf("session %d: %q %v", i, out, cmd.ProcessState)
			}
		})
	}
	wg.Wait()
	end()
}

// A client that opens 10,000 channels gets its share and a reason; everybody
// else is served, and it is too once it has closed some.
func TestTooManyChannels(t *testing.T) {
	t.Parallel()
	log := &logged{}
	w := start(t, func(o *sshd.Options) { o.Log = slog.New(slog.NewTextHandler(log, nil)) })
	greedy := w.dial(t)
	var open []ssh.Channel
	for range 10_000 {
		ch, reqs, err := greedy.OpenChannel("session", nil)
		if err != nil {
			var refused *ssh.OpenChannelError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, ssh.ResourceShortage, refused.Reason)
			require.Equal(t, "this connection has 1024 channels open, which is the limit", refused.Message)
			continue
		}
		go ssh.DiscardRequests(reqs)
		open = append(open, ch)
	}
	require.Len(t, open, 1024)
	require.Contains(t, log.String(), `msg="channel refused" limit=1024 of=connection`)
	require.Less(t, log.lines("channel refused"), 100, "a flood does not flood the log")
	require.Equal(t, "served\n", w.output(t, "ws", "echo served"))
	require.NoError(t, open[0].Close())
	require.Eventually(t, func() bool {
		s, err := greedy.NewSession()
		if err != nil {
			return false
		}
		out, err := s.Output("echo again")
		return err == nil && string(out) == "again\n"
	}, 10*time.Second, 5*time.Millisecond)
}

func TestTooManySessions(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sshd.Options) { o.MaxSessions = 2 })
	control, end := w.master(t) // has one
	_, err := w.dial(t).NewSession()
	require.NoError(t, err)
	out, err := w.ssh(t, "ws", "echo ran").CombinedOutput()
	require.Error(t, err)
	require.NotContains(t, string(out), "ran")
	_, err = w.dial(t).NewSession()
	require.ErrorContains(t, err, "the workspace has 2 SSH sessions open, which is the limit")
	// A forward is no session.
	tcp := echo(t, "tcp", "127.0.0.1:0").Addr().String()
	near := filepath.Join(t.TempDir(), "near")
	w.output(t, "-S", control, "-O", "forward", "-L", near+":"+tcp, "ws")
	c, err := net.Dial("unix", near)
	require.Equal(t, "echo:hello", ask(t, c, err))
	end()
	require.Eventually(t, func() bool {
		out, err := w.ssh(t, "ws", "echo ran").Output()
		return err == nil && string(out) == "ran\n"
	}, 10*time.Second, 5*time.Millisecond)
}

// A client's keepalive wants any answer; sshd says no to it.
func TestClientKeepAliveIsAnswered(t *testing.T) {
	t.Parallel()
	ok, _, err := start(t).dial(t).SendRequest("keepalive@openssh.com", true, nil)
	require.NoError(t, err)
	require.False(t, ok)
}

// wire passes one connection to the server until it is cut: then both sides
// stay open and nothing gets through, as when a laptop is closed.
func (w *workspace) wire(t *testing.T) (port string, cut context.CancelFunc) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	ctx, cut := context.WithCancel(context.Background())
	t.Cleanup(cut)
	go func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		if err != nil {
			_ = client.Close()
			return
		}
		t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
		pass := func(to, from net.Conn) {
			b := make([]byte, 32<<10)
			for {
				n, err := from.Read(b)
				if err != nil || ctx.Err() != nil {
					return
				}
				_, _ = to.Write(b[:n])
			}
		}
		go pass(server, client)
		pass(client, server)
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, cut
}

// A client that vanishes without a word is noticed: its processes are hung up
// and its forwards end.
func TestDeadClientIsNoticed(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sshd.Options) { o.KeepAlive, o.KeepAliveMax = 100*time.Millisecond, 2*time.Second })
	port, cut := w.wire(t)
	far, mark := filepath.Join(t.TempDir(), "far"), filepath.Join(w.home, "hup")
	cmd := w.ssh(t, "-R", far+":/does/not/matter", "ws",
		fmt.Sprintf("trap 'echo gone >%s; exit' HUP; echo up; while :; do sleep 0.05; done", mark))
	for i, a := range cmd.Args {
		if a == w.port {
			cmd.Args[i] = port
		}
	}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, len("up\n")))
	require.NoError(t, err)
	_, err = os.Lstat(far)
	require.NoError(t, err)
	cut()
	require.Eventually(t, func() bool { _, err := os.Stat(mark); return err == nil }, 20*time.Second, 10*time.Millisecond)
	gone(t, far)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
