//go:build linux

package stat

import (
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/clock"
	"coder.internal/internal/machine"
)

// files is a machine. A text with a bar is another one from the second read on.
type files struct {
	fstest.MapFS
	second map[string]string
	mu     sync.Mutex // guards reads
	reads  map[string]bool
}

func machineOf(texts map[string]string) *files {
	f := &files{MapFS: fstest.MapFS{}, second: map[string]string{}, reads: map[string]bool{}}
	for name, text := range texts {
		first, second, changes := strings.Cut(text, "|")
		f.MapFS[name] = &fstest.MapFile{Data: []byte(first)}
		if changes {
			f.second[name] = second
		}
	}
	return f
}

func (f *files) Open(name string) (fs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.second[name]; ok && f.reads[name] {
		return fstest.MapFS{name: {Data: []byte(s)}}.Open(name)
	}
	f.reads[name] = true
	return f.MapFS.Open(name)
}

func TestGroups(t *testing.T) {
	t.Parallel()
	const g, busy = "sys/fs/cgroup/", "|99999999999999"
	for name, c := range map[string]struct {
		files         map[string]string
		cores, memory float64 // limits; 0 means none
		used          float64
		noGroup       bool
	}{
		"v2": {files: map[string]string{"proc/self/cgroup": "0::/a/b\n",
			g + "a/b/cpu.stat": "usage_usec 5" + "|usage_usec 99999999", g + "a/b/cpu.max": "150000 100000\n",
			g + "a/b/memory.current": "3000\n", g + "a/b/memory.max": "4096\n", g + "a/b/memory.stat": "anon 1\ninactive_file 1000\n"},
			cores: 1.5, memory: 4096, used: 2000},
		"v2 of a container, no limits": {files: map[string]string{"proc/self/cgroup": "0::/../../elsewhere\n",
			g + "cpu.stat": "usage_usec 5" + "|usage_usec 99999999", g + "cpu.max": "max 100000\n",
			g + "memory.current": "3000\n", g + "memory.max": "max\n"}, used: 3000},
		"v1": {files: map[string]string{"proc/self/cgroup": "4:cpu,cpuacct:/x\n3:memory:/x\n",
			g + "cpuacct/x/cpuacct.usage": "7" + busy, g + "cpu/x/cpu.cfs_quota_us": "200000\n", g + "cpu/x/cpu.cfs_period_us": "100000\n",
			g + "memory/x/memory.usage_in_bytes": "500\n", g + "memory/x/memory.limit_in_bytes": "1000\n", g + "memory/x/memory.stat": "total_inactive_file 600\n"},
			cores: 2, memory: 1000, used: 500},
		"v1 without limits": {files: map[string]string{
			g + "cpuacct/cpuacct.usage": "7" + busy, g + "cpu/cpu.cfs_quota_us": "-1\n", g + "cpu/cpu.cfs_period_us": "100000\n",
			g + "memory/memory.usage_in_bytes": "500\n", g + "memory/memory.limit_in_bytes": "9223372036854771712\n"}, used: 500},
		"none": {files: map[string]string{"proc/self/cgroup": "0::/\n"}, noGroup: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader{Reader: machine.Reader{Root: machineOf(c.files)}, clock: clock.Real()}
			cores, err := r.groupCPU(t.Context())
			memory, memErr := r.GroupMemory()
			if c.noGroup {
				require.ErrorIs(t, err, machine.ErrNoGroup)
				require.ErrorIs(t, memErr, machine.ErrNoGroup)
				return
			}
			require.NoError(t, err)
			require.NoError(t, memErr)
			require.Positive(t, cores.Used)
			require.InDelta(t, c.used, memory.Used, 0)
			for f, want := range map[*machine.Figure]float64{&cores: c.cores, &memory: c.memory} {
				if want == 0 {
					require.Nil(t, f.Total)
				} else {
					require.InDelta(t, want, *f.Total, 0)
				}
			}
		})
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	r := reader{clock: clock.Real(), Reader: machine.Reader{Root: machineOf(map[string]string{
		"proc/stat":    "cpu  10 0 10 80 0 0 0 0 0 0\n|cpu  20 5 25 150 0 0 0 0 0 0\n",
		"proc/meminfo": "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n"})}}
	f, err := r.hostCPU(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 0.3, f.Used / *f.Total, 1e-9) // 30 of 100 ticks
	f, err = r.HostMemory()
	require.NoError(t, err)
	require.Equal(t, "750.0/1000.0 KiB (75%)", text(f, "Ki"))
}

// FuzzParsers: no text of a kernel or of a container runtime is trusted to be
// well formed; figures stay finite and in order.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{"cpu  1 2 3 4 5 6 7 8 9 10\n", "max", "-1",
		"18446744073709551615", "100000 100000", "cpu  72057594037927935 1 1 1 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if busy, all, err := parseProcStat(text); err == nil && busy > all {
			t.Error(busy, all)
		}
		if q, err := parseQuota(text, "100000"); err == nil && (q < 0 || q != q) {
			t.Error(q)
		}
		if _, err := parseQuota("1", "0"); err == nil {
			t.Error("a period of 0")
		}
	})
}
