//go:build linux

package term_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/term"
	"coder.internal/api"
	"coder.internal/api/termrpc"
)

// programs that draw in their own ways, with what is typed into them and what is
// seen then. The last text is that of a picture that stays as it is.
func programs() map[string]struct {
	command string
	steps   []string // seen, typed, seen, typed, …, seen
} {
	return map[string]struct {
		command string
		steps   []string
	}{
		"vim": {"exec vim -u NONE -N --cmd 'set number hlsearch syntax=sh shortmess+=I' text",
			[]string{"line 1 ", "/needle\r", "needle here", ":vsplit\r:set list\r", "$", "\x06ihello 漢字 e\u0301\x1b:echo 'mark'\r", "mark"}},
		"less": {"exec less -R text", []string{"line 1 ", "G", "(END)", "?needle\r", "needle here"}},
		"top":  {"exec top -b -n 1 | head -40; echo mark; exec cat", []string{"mark"}},
		"ls":   {"ls --color=always -la /usr/bin | head -500; printf '\\033[5;10r\\033[?6h\\033[2;2Hmark'; exec cat", []string{"mark"}},
		"tmux": {"exec tmux -f tmux.conf -L $TMUX_SOCKET new-session -x 80 -y 24 'printf \"\\033[31mred\\033[m\\n\"; exec cat'",
			[]string{"red", "typed\r", "typed\ntyped", "\x02%", "│"}},
	}
}

func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		_, err := exec.LookPath(n)
		require.NoError(t, err, "scripts/test-deps.sh installs it")
	}
}

// TestRealPrograms: who comes back to a full-screen program, at the same size, sees
// what it has drawn; and tmux, an emulator of other people, has the same picture of
// the same bytes.
func TestRealPrograms(t *testing.T) {
	t.Parallel()
	needTools(t, "tmux", "vim", "less", "top")
	for name, p := range programs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := "coder-test-" + api.NewID().String()
			w := newWorld(t, func(o *term.Options) {
				o.Environ = append(o.Environ, "TMUX_SOCKET="+socket, "TMUX_TMPDIR="+o.Account.Home)
			})
			var text strings.Builder
			for i := range 300 {
				fmt.Fprintf(&text, "line %d of the file, long enough that a narrow window has to cut or wrap it somewhere\n", i+1)
				if i == 150 {
					text.WriteString("the needle here\n")
				}
			}
			require.NoError(t, os.WriteFile(filepath.Join(w.home, "text"), []byte(text.String()), 0o600))
			t.Cleanup(func() {
				kill := exec.Command("tmux", "-L", socket, "kill-server")
				kill.Env = append(os.Environ(), "TMUX_TMPDIR="+w.home)
				_ = kill.Run() // only one of the programs has a server
			})
			require.NoError(t, os.WriteFile(filepath.Join(w.home, "tmux.conf"), []byte("set -g assume-paste-time 0\nset -g status-right ''\n"), 0o600))
			id := api.NewID()
			a := w.open(termrpc.Init{ID: id, Command: p.command})
			for i, s := range p.steps {
				if i%2 == 0 {
					a.sees(s)
				} else {
					a.keys(s)
				}
			}
			b := w.open(termrpc.Init{ID: id})
			same(t, a, b)
			a.mu.Lock()
			raw, picture := bytes.Clone(a.raw.Bytes()), strings.Join(a.screen.Text(), "\n")
			snapshot := a.screen.Snapshot()
			a.mu.Unlock()
			require.Equal(t, picture, inTmux(t, raw), "tmux sees the same in the same bytes")
			require.Equal(t, picture, inTmux(t, snapshot), "tmux sees the same in the snapshot")
		})
	}
}

// inTmux returns what tmux shows after it was sent the bytes in a terminal of 80 ×
// 24.
func inTmux(t *testing.T, raw []byte) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "raw"), raw, 0o600))
	env := append(os.Environ(), "TMUX_TMPDIR="+dir, "LANG=C.UTF-8", "TMUX=")
	run := func(args ...string) string {
		cmd := exec.Command("tmux", append([]string{"-f", "/dev/null", "-L", "oracle"}, args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "tmux %v: %s", args, out)
		return string(out)
	}
	run("new-session", "-d", "-x", "80", "-y", "24", "stty raw -echo; cat "+dir+"/raw; tmux -L oracle wait-for -S shown; exec cat")
	defer run("kill-server")
	run("set-option", "-g", "status", "off")
	run("wait-for", "shown")
	var last string
	eventually(t, "tmux has drawn all", func() bool { // cat has written it; tmux may still read
		now := run("capture-pane", "-p", "-t", "0")
		same := now == last && now != ""
		last = now
		return same
	})
	return strings.TrimSuffix(last, "\n")
}
