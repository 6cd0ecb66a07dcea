package sshd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// master starts OpenSSH's multiplexing client and returns its control socket.
func (w *workspace) master(t *testing.T, args ...string) (control string, end func()) {
	t.Helper()
	control = filepath.Join(t.TempDir(), "c")
	cmd := w.ssh(t, append(append([]string{"-M", "-S", control}, args...), "ws", "echo up; cat")...)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, len("up\n")))
	require.NoError(t, err, "the master did not start")
	return control, func() {
		_ = stdin.Close()
		require.NoError(t, cmd.Wait())
	}
}

// freePort is one that nobody had a moment ago, for options that take no zero.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func gone(t *testing.T, path string) {
	t.Helper()
	require.Eventually(t, func() bool { _, err := os.Lstat(path); return os.IsNotExist(err) },
		10*time.Second, 5*time.Millisecond, "%s is left over", path)
}

func TestDynamicForwarding(t *testing.T) {
	t.Parallel()
	w := start(t)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, "from the workspace")
	}))
	t.Cleanup(srv.Close)
	control, end := w.master(t)
	defer end()
	var port int
	require.Eventually(t, func() bool { // somebody may take the port in between
		port = freePort(t)
		return w.ssh(t, "-S", control, "-O", "forward", "-D", fmt.Sprint("127.0.0.1:", port), "ws").Run() == nil
	}, 20*time.Second, time.Millisecond)
	proxy := &url.URL{Scheme: "socks5", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy)}
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr, Timeout: 20 * time.Second}).Get(srv.URL)
	require.NoError(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "from the workspace", string(body))
}

// Forwards come and go on a connection that stays.
func TestForwardsAreCancelled(t *testing.T) {
	t.Parallel()
	w := start(t)
	tcp := echo(t, "tcp", "127.0.0.1:0").Addr().String()
	far := filepath.Join(t.TempDir(), "far")
	control, end := w.master(t)
	defer end()
	port := w.output(t, "-S", control, "-O", "forward", "-R", "0:"+tcp, "ws")
	w.output(t, "-S", control, "-O", "forward", "-R", far+":"+tcp, "ws")
	for network, addr := range map[string]string{"tcp": "127.0.0.1:" + port[:len(port)-1], "unix": far} {
		c, err := net.Dial(network, addr)
		require.Equal(t, "echo:hello", ask(t, c, err), network)
	}
	w.output(t, "-S", control, "-O", "cancel", "-R", far+":"+tcp, "ws")
	gone(t, far)
	w.output(t, "-S", control, "-O", "cancel", "-R", "0:"+tcp, "ws")
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port[:len(port)-1])
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 10*time.Second, 5*time.Millisecond)
}

// A client that lost its network comes back and forwards the same socket. When
// its old connection gives it up at last, the new socket stays.
func TestSocketOfTheNextConnectionStays(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := filepath.Join(t.TempDir(), "s")
	first, err := w.dial(t).ListenUnix(path)
	require.NoError(t, err)
	l, err := w.dial(t).ListenUnix(path)
	require.NoError(t, err)
	require.NoError(t, first.Close(), "the server answers when it is done")
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "next")
			_ = c.Close()
		}
	}()
	c, err := net.Dial("unix", path)
	require.NoError(t, err, "the socket of the connection that lives is gone")
	defer c.Close()
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "next", string(got))
}

func TestForwardLimits(t *testing.T) {
	t.Parallel()
	w := start(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	c := w.dial(t)
	_, err := c.ListenUnix(file)
	require.Error(t, err, "a file is not replaced by a socket")
	requireFile(t, file, []byte("precious"))
	_, err = c.ListenUnix("relative")
	require.Error(t, err)
	for i := range 128 {
		_, err := c.ListenUnix(filepath.Join(dir, fmt.Sprint(i)))
		require.NoError(t, err, i)
	}
	_, err = c.ListenUnix(filepath.Join(dir, "one-more"))
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(dir, "one-more"))
	require.NoError(t, c.Close())
	for i := range 128 {
		gone(t, filepath.Join(dir, fmt.Sprint(i)))
	}
}

// A remote forward is bound to loopback, whatever address was asked for.
func TestRemoteForwardIsLocal(t *testing.T) {
	t.Parallel()
	w := start(t)
	tcp := echo(t, "tcp", "127.0.0.1:0").Addr().String()
	control, end := w.master(t)
	defer end()
	out := w.output(t, "-S", control, "-O", "forward", "-R", "*:0:"+tcp, "ws")
	c, err := net.Dial("tcp", "127.0.0.1:"+out[:len(out)-1])
	require.Equal(t, "echo:hello", ask(t, c, err))
	_, err = net.DialTimeout("tcp", "127.0.0.2:"+out[:len(out)-1], 5*time.Second)
	require.Error(t, err)
}
