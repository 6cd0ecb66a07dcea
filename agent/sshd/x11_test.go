package sshd_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"coder.internal/agent/child"
	"coder.internal/agent/sshd"
)

// screen is a real X server at the client, which asks for a cookie.
func screen(t *testing.T) (env []string) {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "Xauthority")
	cookie := hex.EncodeToString([]byte("a cookie of ours"))
	auth := func(display string) {
		out, err := exec.Command("xauth", "-f", authority, "add", display, "MIT-MAGIC-COOKIE-1", cookie).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	auth(":0") // the server takes the cookie of any entry
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	// Without -noreset it starts over when its last client leaves, and turns away
	// who comes meanwhile.
	x := exec.Command("Xvfb", "-noreset", "-displayfd", "3", "-auth", authority, "-nolisten", "tcp", "-screen", "0", "320x200x24")
	x.ExtraFiles = []*os.File{w}
	require.NoError(t, x.Start())
	_ = w.Close()
	t.Cleanup(func() { _ = x.Process.Signal(os.Interrupt); _ = x.Wait() })
	require.NoError(t, r.SetReadDeadline(time.Now().Add(30*time.Second)))
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err, "the X server did not start")
	display := ":" + strings.TrimSpace(line)
	auth(display)
	return append(os.Environ(), "DISPLAY="+display, "XAUTHORITY="+authority)
}

// Programs in the workspace show on the client's screen, trusted or not. The
// cookie that they use is not the client's own and ends with the session.
func TestX11(t *testing.T) {
	t.Parallel()
	w := start(t)
	env := screen(t)
	for _, flag := range []string{"-Y", "-X"} {
		cmd := w.ssh(t, flag, "ws", `echo $DISPLAY; echo $XAUTHORITY; stat -c %a $XAUTHORITY $(dirname $XAUTHORITY)
			xdpyinfo | grep dimensions; XAUTHORITY=/dev/null xdpyinfo >/dev/null 2>&1 || echo refused`)
		cmd.Env = env
		out, err := cmd.Output()
		require.NoError(t, err, flag)
		lines := strings.Split(string(out), "\n")
		require.Len(t, lines, 7, string(out))
		require.Regexp(t, `^localhost:\d+\.0$`, lines[0])
		require.Equal(t, []string{"600", "700"}, lines[2:4])
		require.Contains(t, lines[4], "320x200", flag)
		require.Equal(t, "refused", lines[5], "without the cookie")
		gone(t, filepath.Dir(lines[1]))
	}
}

// A window is drawn there, and closed when the client leaves.
func TestX11Window(t *testing.T) {
	t.Parallel()
	w := start(t)
	env := screen(t)
	windows := func() string {
		cmd := exec.Command("xwininfo", "-root", "-tree")
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("xwininfo: %v: %s", err, out)
		}
		return string(out)
	}
	cmd := w.ssh(t, "-Y", "ws", "xeyes")
	cmd.Env = env
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return strings.Contains(windows(), `"xeyes"`) }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { return !strings.Contains(windows(), `"xeyes"`) }, 20*time.Second, 20*time.Millisecond)
}

// Displays of the workspace itself can be used in a session with X11 forwarding,
// and xauth, which nested ssh asks, finds the new one.
func TestX11KeepsOwnCookies(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	w := start(t, func(o *sshd.Options) {
		o.Account.Home = home
		o.Environ = child.Merge(o.Environ, []string{"XAUTHORITY=" + filepath.Join(home, "mine")})
	})
	own, err := exec.Command("xauth", "-f", filepath.Join(home, "mine"), "add", ":77", "MIT-MAGIC-COOKIE-1", "abcd").CombinedOutput()
	require.NoError(t, err, string(own))
	c := w.dial(t)
	s, err := c.NewSession()
	require.NoError(t, err)
	askX11(t, s, false)
	out, err := s.Output("xauth -n list $DISPLAY; xauth -n list :77; xauth -n list | wc -l")
	require.NoError(t, err)
	require.Regexp(t, `(?s)^\S+:\d+ +MIT-MAGIC-COOKIE-1 +0102\n.*:77 +MIT-MAGIC-COOKIE-1 +abcd\n3\n$`, string(out))
	require.NoFileExists(t, filepath.Join(home, ".Xauthority"))
}

func x11Payload(single bool, protocol, cookie string, screen uint32) []byte {
	return ssh.Marshal(struct {
		Single           bool
		Protocol, Cookie string
		Screen           uint32
	}{single, protocol, cookie, screen})
}

func askX11(t *testing.T, s *ssh.Session, single bool) {
	t.Helper()
	ok, err := s.SendRequest("x11-req", true, x11Payload(single, "MIT-MAGIC-COOKIE-1", "0102", 0))
	require.NoError(t, err)
	require.True(t, ok)
}

// A client that asks for one connection gets one, and no display after it.
func TestX11SingleConnection(t *testing.T) {
	t.Parallel()
	c := start(t).dial(t)
	channels := c.HandleChannelOpen("x11")
	s, err := c.NewSession()
	require.NoError(t, err)
	askX11(t, s, true)
	stdin, err := s.StdinPipe()
	require.NoError(t, err)
	stdout, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start("echo $DISPLAY; cat"))
	var where string
	_, err = fmt.Fscanln(stdout, &where)
	require.NoError(t, err)
	var display int
	_, err = fmt.Sscanf(where, "localhost:%d.0", &display)
	require.NoError(t, err, where)
	addr := fmt.Sprintf("127.0.0.1:%d", 6000+display)
	first, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	nc := <-channels
	ch, reqs, err := nc.Accept()
	require.NoError(t, err)
	go ssh.DiscardRequests(reqs)
	var origin struct {
		Host string
		Port uint32
	}
	require.NoError(t, ssh.Unmarshal(nc.ExtraData(), &origin))
	require.Equal(t, first.LocalAddr().String(), net.JoinHostPort(origin.Host, fmt.Sprint(origin.Port)))
	require.Eventually(t, func() bool {
		next, err := net.Dial("tcp", addr)
		if err != nil {
			return true
		}
		_ = next.Close()
		return false
	}, 10*time.Second, time.Millisecond)
	_ = stdin.Close()
	require.NoError(t, s.Wait())
	// What is open lives on after the session, as with sshd.
	_, err = io.WriteString(ch, "event")
	require.NoError(t, err)
	b := make([]byte, 5)
	_, err = io.ReadFull(first, b)
	require.NoError(t, err)
	require.Equal(t, "event", string(b))
	require.NoError(t, c.Close())
	_, err = first.Read(b)
	require.ErrorIs(t, err, io.EOF)
}

func TestX11BadRequests(t *testing.T) {
	t.Parallel()
	c := start(t).dial(t)
	for name, payload := range map[string][]byte{
		"malformed":        {1, 2, 3},
		"cookie":           x11Payload(false, "MIT-MAGIC-COOKIE-1", "no hex", 0),
		"no cookie":        x11Payload(false, "MIT-MAGIC-COOKIE-1", "", 0),
		"long cookie":      x11Payload(false, "MIT-MAGIC-COOKIE-1", strings.Repeat("00", 257), 0),
		"protocol":         x11Payload(false, "a b\n", "00", 0),
		"no protocol":      x11Payload(false, "", "00", 0),
		"a distant screen": x11Payload(false, "MIT-MAGIC-COOKIE-1", "00", 1<<31),
	} {
		s, err := c.NewSession()
		require.NoError(t, err)
		ok, err := s.SendRequest("x11-req", true, payload)
		require.NoError(t, err, name)
		require.False(t, ok, name)
		out, err := s.Output("echo $DISPLAY")
		require.NoError(t, err)
		require.Equal(t, os.Getenv("DISPLAY")+"\n", string(out), name)
	}
	s, err := c.NewSession()
	require.NoError(t, err)
	askX11(t, s, false)
	ok, err := s.SendRequest("x11-req", true, x11Payload(false, "MIT-MAGIC-COOKIE-1", "00", 0))
	require.NoError(t, err)
	require.False(t, ok, "a session has one display")
}
