package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// stat is the part of /proc/PID/stat that we use.
type stat struct {
	parent int
	cpu    time.Duration // own and of children that were waited for
}

// parseStat reads one line of /proc/PID/stat. The name, in parentheses, may hold
// anything.
func parseStat(line string) (stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no name in stat line %.80q", line)
	}
	f := strings.Fields(line[end+1:]) // f[0] is field 3 of proc(5)
	if len(f) < 15 {
		return stat{}, fmt.Errorf("stat line %.80q is short", line)
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return stat{}, fmt.Errorf("parent in stat line: %w", err)
	}
	var sum int64
	for _, field := range f[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("time in stat line: %w", err)
		}
		sum += n
	}
	return stat{parent, time.Duration(sum) * tick}, nil
}

// all reads every process; those that end meanwhile are left out.
func all() (map[int]stat, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	out := map[int]stat{}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", d.Name(), "stat"))
		if err != nil {
			continue
		}
		if s, err := parseStat(string(line)); err == nil {
			out[pid] = s
		}
	}
	return out, nil
}

// Tree lists root and its descendants; it is empty when root has ended.
func Tree(root int) ([]int, error) {
	procs, err := all()
	if err != nil {
		return nil, err
	}
	if _, ok := procs[root]; !ok {
		return nil, nil
	}
	out := []int{root}
	for i := 0; i < len(out); i++ {
		for pid, s := range procs {
			if s.parent == out[i] {
				out = append(out, pid)
			}
		}
	}
	return out, nil
}

// CPU sums the time that these processes, and their children that ended, used.
func CPU(pids []int) (time.Duration, error) {
	procs, err := all()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		sum += procs[pid].cpu
	}
	return sum, nil
}

// RSS sums resident bytes; memory that processes share counts for each.
func RSS(pids []int) (int64, error) { return sumField(pids, "status", "VmRSS:") }

// PSS sums resident bytes; memory that processes share is divided among them.
func PSS(pids []int) (int64, error) { return sumField(pids, "smaps_rollup", "Pss:") }

func sumField(pids []int, file, field string) (int64, error) {
	var sum int64
	for _, pid := range pids {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		kib, err := parseField(string(text), field)
		if err != nil {
			return 0, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		sum += kib * 1024
	}
	return sum, nil
}

// parseField finds a line "Name:  123 kB" and returns its number.
func parseField(text, field string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		}
	}
	return 0, fmt.Errorf("no %s line", field)
}

// Marked lists processes, without ourselves, whose environment or arguments
// contain mark. With the path of a fresh temporary directory these are exactly
// the processes that a bench caused, also those that detached themselves.
func Marked(mark string) ([]int, error) {
	procs, err := all()
	if err != nil {
		return nil, err
	}
	var out []int
	for pid := range procs {
		if pid == os.Getpid() {
			continue
		}
		for _, file := range []string{"environ", "cmdline"} {
			text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
			if err == nil && bytes.Contains(text, []byte(mark)) {
				out = append(out, pid)
				break
			}
		}
	}
	return out, nil
}

// Args returns the command line of a process.
func Args(pid int) ([]string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return nil, fmt.Errorf("arguments of process %d: %w", pid, err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), nil
}
