//go:build linux

package child_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
)

// prioritized runs a shell whose first word from us says that its priority is set.
func prioritized(t *testing.T, environ []string, oom, nice int) (score, niceness string) {
	t.Helper()
	p, err := child.PriorityOf(environ, oom, nice)
	require.NoError(t, err)
	cmd := exec.Command("sh", "-c", "read go; cat /proc/self/oom_score_adj; nice")
	child.Group(cmd)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	var out strings.Builder
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	p.Apply(cmd.Process)
	_, err = in.Write([]byte("go\n"))
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	f := strings.Fields(out.String())
	require.Len(t, f, 2)
	return f[0], f[1]
}

func TestPriority(t *testing.T) {
	t.Parallel()
	oom, nice := child.OwnPriority()
	own, ownNice := prioritized(t, nil, oom, nice)
	on := []string{"CODER_PROC_PRIO_MGMT="}
	// A process may always become likelier to be ended, and nicer.
	score, n := prioritized(t, on, 0, nice)
	require.Equal(t, "998", score)
	if nice <= 14 {
		require.NotEqual(t, ownNice, n)
	}
	score, _ = prioritized(t, on, 999, 19)
	require.Equal(t, "1000", score)
	score, n = prioritized(t, append(on, "CODER_PROC_OOM_SCORE=1000", "CODER_PROC_NICE_SCORE=19"), 0, 0)
	require.Equal(t, []string{"1000", "19"}, []string{score, n})
	again, againNice := prioritized(t, []string{"CODER_PROC_OOM_SCORE=1000"}, oom, nice)
	require.Equal(t, []string{own, ownNice}, []string{again, againNice}, "off without its switch")
}

// What the process has forked before its priority was set has it too.
func TestPriorityOfEarlyChildren(t *testing.T) {
	t.Parallel()
	p, err := child.PriorityOf([]string{"CODER_PROC_PRIO_MGMT="}, 0, 0)
	require.NoError(t, err)
	cmd := exec.Command("sh", "-c", "sh -c 'sh -c \"echo forked; read go; cat /proc/self/oom_score_adj\"; true'; true")
	child.Group(cmd)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	p.Apply(cmd.Process)
	_, err = in.Write([]byte("go\n"))
	require.NoError(t, err)
	require.True(t, lines.Scan())
	require.Equal(t, "998", lines.Text())
	require.NoError(t, cmd.Wait())
}

func TestPriorityDefaults(t *testing.T) {
	t.Parallel()
	_, err := child.PriorityOf([]string{"CODER_PROC_PRIO_MGMT=1", "CODER_PROC_OOM_SCORE=1001"}, 0, 0)
	require.ErrorContains(t, err, "CODER_PROC_OOM_SCORE")
	require.ErrorContains(t, err, "998")
	_, err = child.PriorityOf([]string{"CODER_PROC_PRIO_MGMT=1", "CODER_PROC_NICE_SCORE=x"}, 0, 17)
	require.ErrorContains(t, err, "leave it out for 19")
	p, err := child.PriorityOf(nil, 0, 0)
	require.NoError(t, err)
	require.False(t, p.Protect())
	p.Apply(nil)
	p.Apply(&os.Process{Pid: -1})
}
