//go:build linux

package serve_test

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// window is a terminal at hand in which a command runs.
type window struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File
	done chan struct{}

	mu   sync.Mutex
	said strings.Builder
}

func openWindow(t *testing.T, c *servetest.CLI, args ...string) *window {
	t.Helper()
	argv := c.Command(args...).Args
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = c.Env(), c.Home
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 100})
	require.NoError(t, err)
	w := &window{t: t, cmd: cmd, file: f, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		_, _ = io.Copy(w, f)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = f.Close()
		<-w.done
		if t.Failed() {
			t.Logf("window: %q", w.text())
		}
	})
	return w
}

func (w *window) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

func (w *window) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.String()
}

func (w *window) keys(text string) {
	w.t.Helper()
	_, err := w.file.WriteString(text)
	require.NoError(w.t, err)
}

func (w *window) sees(text string) {
	w.t.Helper()
	servetest.Eventually(w.t, "the window shows "+text, func() bool { return strings.Contains(w.text(), text) })
}

// ends returns the exit status of the command.
func (w *window) ends() int {
	w.t.Helper()
	<-w.done // its side of the terminal is closed
	_ = w.cmd.Wait()
	return w.cmd.ProcessState.ExitCode()
}

// TestTerminalInAWindow: the server is killed and comes back, the user leaves and
// comes back; it is one process all the time, and its exit status is passed on.
func TestTerminalInAWindow(t *testing.T) {
	t.Parallel()
	s, c := demo(t, servetest.Options{})
	w := openWindow(t, c, "exp", "rpty", "demo", "stty size; "+counter+"; exit 7")
	w.sees("30 100")
	w.keys("one\r")
	w.sees(" 1 one>")
	pid := regexp.MustCompile(`<(\d+) 1 one>`).FindStringSubmatch(w.text())[1]
	require.NoError(t, pty.Setsize(w.file, &pty.Winsize{Rows: 31, Cols: 101}))
	s.Kill()
	s.Start()
	w.keys("two\r")
	w.sees("<" + pid + " 2 two>")
	w.keys("\r~.")
	require.Zero(t, w.ends())
	again := regexp.MustCompile(`coder exp rpty demo --reconnect (\S+)`).FindStringSubmatch(w.text())
	require.NotNil(t, again, w.text())

	w = openWindow(t, c, "exp", "rpty", "demo", "--reconnect", again[1])
	w.sees("<" + pid + " 2 two>")
	w.keys("\x04")
	require.Equal(t, 7, w.ends(), w.text())
}

// TestTerminalOfAPipe: without a terminal at hand the end of the input is Ctrl-D.
func TestTerminalOfAPipe(t *testing.T) {
	t.Parallel()
	_, c := demo(t, servetest.Options{})
	r := c.Pipe(strings.NewReader("a\nb"), "exp", "rpty", "demo", "--", "cat; stty size; exit 3")
	require.Equal(t, 3, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "24 80")
	require.Contains(t, c.Fails("exp", "rpty", "demo", "-r", "x"), "give the id of a terminal")
	require.Contains(t, c.Fails("exp", "rpty", "demo", "-c", "box"), "container box") // with an engine here, or without
}
