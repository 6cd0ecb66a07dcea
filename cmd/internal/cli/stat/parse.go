package stat

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseProcStat reads the first line of /proc/stat: the time that all processors
// were busy and the time that passed on them, in ticks.
func parseProcStat(text string) (busy, all uint64, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "cpu" {
		return 0, 0, errors.New("the first line is not that of all processors")
	}
	// user nice system idle iowait irq softirq steal; guest times are in user and nice.
	for i, f := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(f, 10, 56)
		if err != nil {
			return 0, 0, fmt.Errorf("field %d: %w", i+1, err)
		}
		all += n
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return busy, all, nil
}

// parseMeminfo reads /proc/meminfo: used and total memory in bytes. What the
// kernel can give back at once does not count as used.
func parseMeminfo(text string) (used, total uint64, err error) {
	values := map[string]uint64{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "MemTotal" && name != "MemAvailable" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 53)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = n << 10
	}
	total, ok := values["MemTotal"]
	available, known := values["MemAvailable"]
	if !ok || !known || available > total {
		return 0, 0, errors.New("MemTotal and MemAvailable are not both there")
	}
	return total - available, total, nil
}

// parseKeyed returns the value of name in a file of "name value" lines.
func parseKeyed(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			return parseNumber(f[1])
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// parseNumber reads one number with white space around it.
func parseNumber(text string) (uint64, error) {
	return strconv.ParseUint(strings.TrimSpace(text), 10, 64)
}

// unlimited is what cgroup v1 writes, rounded to pages, where there is no limit.
const unlimited = math.MaxInt64 >> 16 << 16

// parseLimit reads a memory limit in bytes; 0 means none.
func parseLimit(text string) (uint64, error) {
	if strings.TrimSpace(text) == "max" {
		return 0, nil
	}
	n, err := parseNumber(text)
	if n >= unlimited {
		n = 0
	}
	return n, err
}

// parseQuota turns a quota and its period, in microseconds, into cores; 0 means
// no limit.
func parseQuota(quota, period string) (float64, error) {
	quota, period = strings.TrimSpace(quota), strings.TrimSpace(period)
	if quota == "max" || quota == "-1" {
		return 0, nil
	}
	q, err := strconv.ParseUint(quota, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("quota: %w", err)
	}
	p, err := strconv.ParseUint(period, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("period: %w", err)
	}
	if p == 0 {
		return 0, errors.New("the period is 0")
	}
	return float64(q) / float64(p), nil
}

// paths of the caller's group, relative to its hierarchy.
type paths struct{ unified, cpu, cpuacct, memory string }

// parseCgroup reads /proc/self/cgroup.
func parseCgroup(text string) paths {
	var p paths
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(f) != 3 || !strings.HasPrefix(f[2], "/") {
			continue
		}
		if f[0] == "0" && f[1] == "" {
			p.unified = f[2]
		}
		for c := range strings.SplitSeq(f[1], ",") {
			switch c {
			case "cpu":
				p.cpu = f[2]
			case "cpuacct":
				p.cpuacct = f[2]
			case "memory":
				p.memory = f[2]
			}
		}
	}
	return p
}
