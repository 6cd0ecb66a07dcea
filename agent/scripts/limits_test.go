package scripts

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// A gigabyte without an end of line, and then 100 MB of short lines, cost neither
// memory nor log lines beyond the limits.
func TestGigabyte(t *testing.T) {
	t.Parallel()
	r, out, home := start(t, quartz.NewReal(), api.AgentScript{RunOnStart: true, LogPath: "big.log",
		Script: "head -c 1073741824 /dev/zero; yes | head -c 100000000; echo the end"})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.Equal(t, OK, r.Start(context.Background()))
	r.Flush(context.Background())
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(64<<20))
	out.mu.Lock()
	defer out.mu.Unlock()
	require.LessOrEqual(t, len(out.lines), agentrpc.MaxLogBytes/agentrpc.MinLogCost+2)
	require.Contains(t, out.lines[len(out.lines)-1], "log limit")
	st, err := os.Stat(filepath.Join(home, "big.log"))
	require.NoError(t, err)
	require.Less(t, st.Size(), int64(maxLogFile+200))
}

// What a script that ignores its end has started in its group ends with it; what
// it forked away does not hold the run up, and the next one works.
func TestNeverEnds(t *testing.T) {
	t.Parallel()
	s := api.AgentScript{ID: api.NewID(), RunOnStart: true, Timeout: 3, Script: `trap '' TERM
		sleep 1000 & echo $! >$HOME/inside
		setsid sh -c 'echo $$ >$HOME/away; exec sleep 1000' &
		while :; do sleep 1000; done`}
	r, out, home := start(t, quartz.NewReal(), s)
	pid := func(name string) int {
		text, err := os.ReadFile(filepath.Join(home, name))
		require.NoError(t, err)
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(t, err)
		return n
	}
	require.Equal(t, TimedOut, r.Start(context.Background()))
	require.Equal(t, StatusTimedOut, (<-out.results).Status)
	// In a container nobody may collect the orphan: a zombie has ended too.
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid("inside")), "stat"))
		return err != nil || strings.Contains(string(text), ") Z ")
	}, 10*time.Second, 5*time.Millisecond)
	away := pid("away")
	require.NoError(t, syscall.Kill(away, 0), "what left the group lives")
	require.NoError(t, syscall.Kill(away, syscall.SIGKILL))
	r.Flush(context.Background())
	require.Contains(t, out.text(), "its timeout of 3 s")
}

// The end of the agent's own time is not called the script's timeout.
func TestStopTimeIsNamed(t *testing.T) {
	t.Parallel()
	r, out, _ := start(t, quartz.NewReal(), api.AgentScript{RunOnStop: true, Script: "sleep 1000"})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	require.Equal(t, TimedOut, r.Stop(ctx))
	r.Flush(context.Background())
	require.Contains(t, out.text(), "no more time")
}

// Runs that leave a process behind each do not add up without end.
func TestPipesAreBounded(t *testing.T) {
	t.Parallel()
	r, _, _ := start(t, quartz.NewReal())
	var ends []*os.File
	t.Cleanup(func() {
		for _, f := range ends {
			_ = f.Close()
		}
	})
	for range maxOpen + 20 {
		from, to, err := os.Pipe()
		require.NoError(t, err)
		ends = append(ends, to)
		r.wg.Go(func() { r.copy(from, api.ID{}, api.LogInfo, &cappedFile{}) })
	}
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.opened == maxOpen+20 && len(r.open) == maxOpen
	}, 10*time.Second, 5*time.Millisecond)
}

// A process whose group is gone can be signalled without an error.
func TestKillAfterEnd(t *testing.T) {
	t.Parallel()
	p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}})
	require.NoError(t, err)
	_, err = p.Wait()
	require.NoError(t, err)
	require.NoError(t, child.Kill(p))
}
