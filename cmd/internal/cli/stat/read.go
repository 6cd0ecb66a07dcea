package stat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
	"coder.internal/internal/machine"
)

// window is how long processors are watched.
const window = 100 * time.Millisecond

// reader measures the machine below Root.
type reader struct {
	machine.Reader
	clock clock.Clock
}

func (r reader) supported() error {
	if _, err := fs.Stat(r.Root, "proc/stat"); err != nil {
		return &api.Error{Code: api.CodeUnsupported, Message: "This command reads /proc, which is not here on " + runtime.GOOS + "."}
	}
	return nil
}

// pause waits for the window to pass and returns how long it was.
func (r reader) pause(ctx context.Context) (time.Duration, error) {
	began := r.clock.Now()
	t := r.clock.NewTimer(window)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-t.C:
		return max(r.clock.Since(began), time.Millisecond), nil
	}
}

// hostCPU says how many of the machine's cores are busy.
func (r reader) hostCPU(ctx context.Context) (machine.Figure, error) {
	sample := func() (uint64, uint64, error) {
		text, err := r.Text("proc/stat")
		if err != nil {
			return 0, 0, err
		}
		return parseProcStat(text)
	}
	busy, all, err := sample()
	if err != nil {
		return machine.Figure{}, fmt.Errorf("read /proc/stat: %w", err)
	}
	if _, err := r.pause(ctx); err != nil {
		return machine.Figure{}, err
	}
	busy2, all2, err := sample()
	if err != nil {
		return machine.Figure{}, fmt.Errorf("read /proc/stat: %w", err)
	}
	cores := float64(runtime.NumCPU())
	used := 0.0
	if all2 > all && busy2 > busy { // counters of a machine may go back
		used = float64(busy2-busy) / float64(all2-all) * cores
	}
	return machine.Figure{Used: min(used, cores), Total: &cores, Unit: "cores"}, nil
}

// groupCPU says how many cores the caller's group uses, and may use.
func (r reader) groupCPU(ctx context.Context) (machine.Figure, error) {
	usage, limit, err := r.cpuFiles()
	if err != nil {
		return machine.Figure{}, err
	}
	before, err := usage()
	if err != nil {
		return machine.Figure{}, err
	}
	took, err := r.pause(ctx)
	if err != nil {
		return machine.Figure{}, err
	}
	after, err := usage()
	if err != nil {
		return machine.Figure{}, err
	}
	out := machine.Figure{Unit: "cores"}
	if after > before {
		out.Used = float64(after-before) / float64(took)
	}
	if limit > 0 {
		out.Total = &limit
	}
	return out, nil
}

// cpuFiles returns how to read the group's processor time in nanoseconds, and its
// limit in cores, 0 where there is none.
func (r reader) cpuFiles() (usage func() (uint64, error), limit float64, err error) {
	own := r.OwnPaths()
	if dir, err := r.Group("", own.Unified, "cpu.stat"); err == nil {
		usage = func() (uint64, error) {
			text, err := r.Text(dir + "/cpu.stat")
			if err != nil {
				return 0, err
			}
			us, err := machine.ParseKeyed(text, "usage_usec")
			return us * 1000, err
		}
		text, err := r.Text(dir + "/cpu.max")
		if errors.Is(err, fs.ErrNotExist) {
			return usage, 0, nil // the root group has no limit
		}
		if err != nil {
			return nil, 0, err
		}
		quota, period, _ := strings.Cut(strings.TrimSpace(text), " ")
		limit, err = parseQuota(quota, period)
		return usage, limit, err
	}
	acct, err := r.Group("cpuacct", own.CPUAcct, "cpuacct.usage")
	if err != nil {
		return nil, 0, err
	}
	usage = func() (uint64, error) { return r.Number(acct + "/cpuacct.usage") }
	dir, err := r.Group("cpu", own.CPU, "cpu.cfs_quota_us")
	if err != nil {
		return usage, 0, nil //nolint:nilerr // no such controller: no limit
	}
	quota, err := r.Text(dir + "/cpu.cfs_quota_us")
	if err != nil {
		return nil, 0, err
	}
	period, err := r.Text(dir + "/cpu.cfs_period_us")
	if err != nil {
		return nil, 0, err
	}
	limit, err = parseQuota(quota, period)
	return usage, limit, err
}
