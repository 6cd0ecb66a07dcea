// Package machine reads how full memory and volumes are, of the machine and of the
// control group of this process, version 1 or 2.
//
// It keeps nothing between calls and knows no product. The files of a kernel or of
// a container runtime are not trusted to be well formed: they are limited in size
// and checked.
package machine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 1 << 20

// Figure is a measured value. Total is nil where there is no limit.
type Figure struct {
	Used  float64  `json:"used"`
	Total *float64 `json:"total"`
	Unit  string   `json:"unit"`
}

// ErrNoGroup says that the process is in no group with figures of its own.
var ErrNoGroup = errors.New("no control group with figures")

// Reader reads the files below Root, which is the file system of the machine.
type Reader struct {
	Root fs.FS
}

// Text returns the start of a file.
func (r Reader) Text(name string) (string, error) {
	f, err := r.Root.Open(strings.TrimPrefix(path.Clean("/"+name), "/"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(b), err
}

// Number returns the number that a file holds.
func (r Reader) Number(name string) (uint64, error) {
	text, err := r.Text(name)
	if err != nil {
		return 0, err
	}
	n, err := ParseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("read /%s: %w", name, err)
	}
	return n, nil
}

// HostMemory is in bytes.
func (r Reader) HostMemory() (Figure, error) {
	text, err := r.Text("proc/meminfo")
	if err != nil {
		return Figure{}, fmt.Errorf("read memory: %w", err)
	}
	used, total, err := parseMeminfo(text)
	if err != nil {
		return Figure{}, fmt.Errorf("read /proc/meminfo: %w", err)
	}
	t := float64(total)
	return Figure{Used: float64(used), Total: &t, Unit: "B"}, nil
}

const groups = "sys/fs/cgroup"

// Group finds the directory of the caller's group that has file: the path of
// /proc/self/cgroup, or the root where a container sees its own group there.
func (r Reader) Group(controller, own, file string) (string, error) {
	base := path.Join(groups, controller)
	for _, dir := range []string{path.Join(base, path.Clean("/"+own)), base} {
		if _, err := fs.Stat(r.Root, path.Join(dir, file)); err == nil {
			return dir, nil
		}
	}
	return "", ErrNoGroup
}

// OwnPaths returns where the groups of this process are.
func (r Reader) OwnPaths() Paths {
	text, err := r.Text("proc/self/cgroup")
	if err != nil {
		return Paths{} // the root of each hierarchy is tried
	}
	return parseCgroup(text)
}

// GroupMemory is in bytes, without pages that the kernel can give back at once.
func (r Reader) GroupMemory() (Figure, error) {
	own := r.OwnPaths()
	names := []string{"memory.current", "memory.max", "inactive_file"}
	dir, err := r.Group("", own.Unified, names[0])
	if err != nil {
		names = []string{"memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file"}
		if dir, err = r.Group("memory", own.Memory, names[0]); err != nil {
			return Figure{}, err
		}
	}
	used, err := r.Number(dir + "/" + names[0])
	if err != nil {
		return Figure{}, err
	}
	if text, err := r.Text(dir + "/memory.stat"); err == nil {
		if idle, err := ParseKeyed(text, names[2]); err == nil && idle <= used {
			used -= idle
		}
	}
	text, err := r.Text(dir + "/" + names[1])
	if err != nil {
		return Figure{}, err
	}
	limit, err := parseLimit(text)
	if err != nil {
		return Figure{}, fmt.Errorf("read /%s/%s: %w", dir, names[1], err)
	}
	out := Figure{Used: float64(used), Unit: "B"}
	if limit > 0 {
		total := float64(limit)
		out.Total = &total
	}
	return out, nil
}
