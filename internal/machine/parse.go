package machine

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

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

// ParseKeyed returns the value of name in a file of "name value" lines.
func ParseKeyed(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			return ParseNumber(f[1])
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// ParseNumber reads one number with white space around it.
func ParseNumber(text string) (uint64, error) {
	return strconv.ParseUint(strings.TrimSpace(text), 10, 64)
}

// unlimited is what cgroup v1 writes, rounded to pages, where there is no limit.
const unlimited = math.MaxInt64 >> 16 << 16

// parseLimit reads a memory limit in bytes; 0 means none.
func parseLimit(text string) (uint64, error) {
	if strings.TrimSpace(text) == "max" {
		return 0, nil
	}
	n, err := ParseNumber(text)
	if n >= unlimited {
		n = 0
	}
	return n, err
}

// Paths of the caller's group, relative to its hierarchy.
type Paths struct{ Unified, CPU, CPUAcct, Memory string }

// parseCgroup reads /proc/self/cgroup.
func parseCgroup(text string) Paths {
	var p Paths
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(f) != 3 || !strings.HasPrefix(f[2], "/") {
			continue
		}
		if f[0] == "0" && f[1] == "" {
			p.Unified = f[2]
		}
		for c := range strings.SplitSeq(f[1], ",") {
			switch c {
			case "cpu":
				p.CPU = f[2]
			case "cpuacct":
				p.CPUAcct = f[2]
			case "memory":
				p.Memory = f[2]
			}
		}
	}
	return p
}
