package scripts

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// sink is the far side of the process boundary.
type sink struct {
	mu      sync.Mutex
	lines   []string
	batches int
	refuse  error
	results chan agentrpc.ScriptResult
}

func (s *sink) PatchLogs(_ context.Context, p agentrpc.PatchLogs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	for _, l := range p.Logs {
		s.lines = append(s.lines, l.Output)
	}
	return s.refuse
}

func (s *sink) PostScriptResult(_ context.Context, r agentrpc.ScriptResult) error {
	s.results <- r
	return nil
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func start(t *testing.T, clock quartz.Clock, list ...api.AgentScript) (*Runner, *sink, string) {
	t.Helper()
	home := t.TempDir()
	s := &sink{results: make(chan agentrpc.ScriptResult, 100)}
	r, err := New(Options{Reporter: s, Log: slog.New(slog.DiscardHandler), Clock: clock, Scripts: list,
		Account: child.Account{Name: "a", Home: home, Shell: "/bin/bash"}, Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home},
		DataDir: t.TempDir(), PipeDelay: 100 * time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r, s, home
}

func TestEnvironmentAndFiles(t *testing.T) {
	t.Parallel()
	s := api.AgentScript{ID: api.NewID(), LogSourceID: api.NewID(), RunOnStart: true, LogPath: "~/logs.txt",
		Script: "echo data >$CODER_SCRIPT_DATA_DIR/f\nprintf '#!/bin/sh\\necho tool' >$CODER_SCRIPT_BIN_DIR/tool\nchmod +x $CODER_SCRIPT_BIN_DIR/tool\ntool\npwd\necho oops >&2"}
	r, out, home := start(t, quartz.NewReal(), s)
	require.Equal(t, OK, r.Start(context.Background()))
	r.Flush(context.Background())
	require.ElementsMatch(t, []string{"tool", home, "oops"}, out.lines)
	file, err := os.ReadFile(filepath.Join(home, "logs.txt"))
	require.NoError(t, err)
	// The two streams are two pipes: their order among each other is not defined.
	require.ElementsMatch(t, []string{"tool", home, "oops"}, strings.Split(strings.TrimSpace(string(file)), "\n"))
	data, err := os.ReadFile(filepath.Join(r.base, s.LogSourceID.String(), "f"))
	require.NoError(t, err)
	require.Equal(t, "data\n", string(data))
	left, err := filepath.Glob(filepath.Join(r.base, "script-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// What a process left behind writes later still arrives.
func TestLateOutput(t *testing.T) {
	t.Parallel()
	r, out, home := start(t, quartz.NewReal(), api.AgentScript{RunOnStart: true,
		Script: "mkfifo $HOME/go; (read x <$HOME/go; echo late) & echo early"})
	require.Equal(t, OK, r.Start(context.Background()))
	require.Equal(t, StatusPipesLeftOpen, (<-out.results).Status)
	require.NoError(t, os.WriteFile(filepath.Join(home, "go"), []byte("x\n"), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(out.text(), "late") }, 10*time.Second, 5*time.Millisecond)
}

func TestLogLimits(t *testing.T) {
	t.Parallel()
	r, out, _ := start(t, quartz.NewReal(), api.AgentScript{RunOnStart: true,
		Script: "head -c 200000 /dev/zero | tr '\\0' x; echo; printf 'a\\xff\\000b\\r\\n'; for i in $(seq 40); do head -c 50000 /dev/zero | tr '\\0' y; echo; done"})
	out.refuse = errors.New("refused, which must not stop the rest")
	require.Equal(t, OK, r.Start(context.Background()))
	r.Flush(context.Background())
	total := 0
	for _, l := range out.lines {
		require.LessOrEqual(t, len(l), agentrpc.MaxLogLine)
		require.True(t, utf8.ValidString(l))
		total += len(l)
	}
	require.True(t, strings.HasSuffix(out.lines[0], "x"+cutMark))
	require.Equal(t, "a\uFFFD\uFFFDb", out.lines[1])
	require.Less(t, total, agentrpc.MaxLogBytes+200)
	require.Contains(t, out.lines[len(out.lines)-1], "log limit")
	require.Greater(t, out.batches, 1)
}

func TestLinkInPlaceOfLogFile(t *testing.T) {
	t.Parallel()
	victim := filepath.Join(t.TempDir(), "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(victim, link))
	r, out, _ := start(t, quartz.NewReal(), api.AgentScript{RunOnStart: true, LogPath: link, Script: "echo ran"})
	require.Equal(t, OK, r.Start(context.Background()))
	r.Flush(context.Background())
	require.Contains(t, out.text(), "log_path cannot be written")
	require.Contains(t, out.text(), "ran")
	got, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "precious", string(got))
}

func TestCron(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	clock := quartz.NewMock(t)
	clock.Set(time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local)).MustWait(ctx)
	trap := clock.Trap().NewTimer("cron")
	defer trap.Close()
	_, out, _ := start(t, clock, api.AgentScript{Script: "exit 5", Cron: "30 5 * * * *"})
	for range 2 {
		call := trap.MustWait(ctx)
		call.MustRelease(ctx)
		clock.Advance(call.Duration).MustWait(ctx)
		r := <-out.results
		require.Equal(t, "cron", r.Stage)
		require.Equal(t, 5, r.ExitCode)
		require.Equal(t, 30, r.StartedAt.Second())
		require.Equal(t, 5, r.StartedAt.Minute())
	}
}

func TestBadCronSaysWhy(t *testing.T) {
	t.Parallel()
	_, out, _ := start(t, quartz.NewReal(), api.AgentScript{Script: "true", Cron: "* * *"})
	require.Eventually(t, func() bool { return strings.Contains(out.text(), "six fields") }, 10*time.Second, 5*time.Millisecond)
}

func TestDataDirOfSomebodyElse(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	open := filepath.Join(parent, "coder-script-data")
	require.NoError(t, os.Mkdir(open, 0o700))
	require.NoError(t, os.Chmod(open, 0o777))
	base, err := privateDir(parent)
	require.NoError(t, err)
	require.NotEqual(t, open, base)
}
