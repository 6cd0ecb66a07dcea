package stat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
)

// window is how long processors are watched.
const window = 100 * time.Millisecond

// maxFile bounds what is read of one file, in bytes.
const maxFile = 1 << 20

// figure is a measured value. Total is nil where there is no limit.
type figure struct {
	Used  float64  `json:"used"`
	Total *float64 `json:"total"`
	Unit  string   `json:"unit"`
}

// errNoGroup says that the process is in no group with figures of its own.
var errNoGroup = errors.New("no control group with figures")

// reader reads the files below root, which is the file system of the machine.
type reader struct {
	root  fs.FS
	clock clock.Clock
}

func (r reader) text(name string) (string, error) {
	f, err := r.root.Open(strings.TrimPrefix(path.Clean("/"+name), "/"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(b), err
}

func (r reader) number(name string) (uint64, error) {
	text, err := r.text(name)
	if err != nil {
		return 0, err
	}
	n, err := parseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("read /%s: %w", name, err)
	}
	return n, nil
}

func (r reader) supported() error {
	if _, err := fs.Stat(r.root, "proc/stat"); err != nil {
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
func (r reader) hostCPU(ctx context.Context) (figure, error) {
	sample := func() (uint64, uint64, error) {
		text, err := r.text("proc/stat")
		if err != nil {
			return 0, 0, err
		}
		return parseProcStat(text)
	}
	busy, all, err := sample()
	if err != nil {
		return figure{}, fmt.Errorf("read /proc/stat: %w", err)
	}
	if _, err := r.pause(ctx); err != nil {
		return figure{}, err
	}
	busy2, all2, err := sample()
	if err != nil {
		return figure{}, fmt.Errorf("read /proc/stat: %w", err)
	}
	cores := float64(runtime.NumCPU())
	used := 0.0
	if all2 > all && busy2 > busy { // counters of a machine may go back
		used = float64(busy2-busy) / float64(all2-all) * cores
	}
	return figure{Used: min(used, cores), Total: &cores, Unit: "cores"}, nil
}

// hostMemory is in bytes.
func (r reader) hostMemory() (figure, error) {
	text, err := r.text("proc/meminfo")
	if err != nil {
		return figure{}, fmt.Errorf("read memory: %w", err)
	}
	used, total, err := parseMeminfo(text)
	if err != nil {
		return figure{}, fmt.Errorf("read /proc/meminfo: %w", err)
	}
	t := float64(total)
	return figure{Used: float64(used), Total: &t, Unit: "B"}, nil
}

const groups = "sys/fs/cgroup"

// group finds the directory of the caller's group that has file: the path of
// /proc/self/cgroup, or the root where a container sees its own group there.
func (r reader) group(controller, own, file string) (string, error) {
	base := path.Join(groups, controller)
	for _, dir := range []string{path.Join(base, path.Clean("/"+own)), base} {
		if _, err := fs.Stat(r.root, path.Join(dir, file)); err == nil {
			return dir, nil
		}
	}
	return "", errNoGroup
}

func (r reader) ownPaths() paths {
	text, err := r.text("proc/self/cgroup")
	if err != nil {
		return paths{} // the root of each hierarchy is tried
	}
	return parseCgroup(text)
}

// groupCPU says how many cores the caller's group uses, and may use.
func (r reader) groupCPU(ctx context.Context) (figure, error) {
	usage, limit, err := r.cpuFiles()
	if err != nil {
		return figure{}, err
	}
	before, err := usage()
	if err != nil {
		return figure{}, err
	}
	took, err := r.pause(ctx)
	if err != nil {
		return figure{}, err
	}
	after, err := usage()
	if err != nil {
		return figure{}, err
	}
	out := figure{Unit: "cores"}
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
	own := r.ownPaths()
	if dir, err := r.group("", own.unified, "cpu.stat"); err == nil {
		usage = func() (uint64, error) {
			text, err := r.text(dir + "/cpu.stat")
			if err != nil {
				return 0, err
			}
			us, err := parseKeyed(text, "usage_usec")
			return us * 1000, err
		}
		text, err := r.text(dir + "/cpu.max")
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
	acct, err := r.group("cpuacct", own.cpuacct, "cpuacct.usage")
	if err != nil {
		return nil, 0, err
	}
	usage = func() (uint64, error) { return r.number(acct + "/cpuacct.usage") }
	dir, err := r.group("cpu", own.cpu, "cpu.cfs_quota_us")
	if err != nil {
		return usage, 0, nil //nolint:nilerr // no such controller: no limit
	}
	quota, err := r.text(dir + "/cpu.cfs_quota_us")
	if err != nil {
		return nil, 0, err
	}
	period, err := r.text(dir + "/cpu.cfs_period_us")
	if err != nil {
		return nil, 0, err
	}
	limit, err = parseQuota(quota, period)
	return usage, limit, err
}

// groupMemory is in bytes, without pages that the kernel can give back at once.
func (r reader) groupMemory() (figure, error) {
	own := r.ownPaths()
	names := []string{"memory.current", "memory.max", "inactive_file"}
	dir, err := r.group("", own.unified, names[0])
	if err != nil {
		names = []string{"memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file"}
		if dir, err = r.group("memory", own.memory, names[0]); err != nil {
			return figure{}, err
		}
	}
	used, err := r.number(dir + "/" + names[0])
	if err != nil {
		return figure{}, err
	}
	if text, err := r.text(dir + "/memory.stat"); err == nil {
		if idle, err := parseKeyed(text, names[2]); err == nil && idle <= used {
			used -= idle
		}
	}
	text, err := r.text(dir + "/" + names[1])
	if err != nil {
		return figure{}, err
	}
	limit, err := parseLimit(text)
	if err != nil {
		return figure{}, fmt.Errorf("read /%s/%s: %w", dir, names[1], err)
	}
	out := figure{Used: float64(used), Unit: "B"}
	if limit > 0 {
		total := float64(limit)
		out.Total = &total
	}
	return out, nil
}
