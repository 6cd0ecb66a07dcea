package terraform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coder.internal/api"
)

// corral finds the processes of a job. Where the host lets us make a cgroup,
// all that a job starts is in it, whatever it does. Elsewhere its processes are
// those that carry the job's TMPDIR in their environment, and those in the
// daemon's own session that work below its build directory; one that sheds its
// environment and leaves the session is not found there.
type corral struct {
	group    string // directory of the job's cgroup; empty without one
	parent   string // that of the daemon, for the groups of workspaces
	build    string // where Terraform runs
	mark     []byte // environment entry of the job's processes
	sessions []int  // of this process and of the one before it
}

// keepMark is the environment entry by which a process of its own session says
// that it belongs to a running workspace and outlives the start that made it.
const keepMark = "HOST_WORKSPACE="

// cgroupFiles are the mounts that are tried, the one that can also bound the
// number of processes first.
var cgroupFiles = []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"}

func newCorral(work, build, tmp string, sessions []int) *corral {
	c := &corral{build: build, mark: []byte("CODER_PROVISIONER_TMPDIR=" + tmp), sessions: sessions}
	sum := sha256.Sum256([]byte(work))
	for _, mount := range cgroupFiles {
		parent, ok := ownGroup(mount)
		if !ok {
			continue
		}
		group := filepath.Join(parent, "coder-job-"+hex.EncodeToString(sum[:6]))
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			continue
		}
		if f, err := os.OpenFile(filepath.Join(group, "cgroup.procs"), os.O_WRONLY, 0); err == nil {
			_ = f.Close()
			c.group, c.parent = group, parent
			c.tidy()
			return c
		}
		_ = os.Remove(group)
	}
	return c
}

// tidy removes groups that nobody is in; the kernel refuses the others.
func (c *corral) tidy() {
	groups, _ := filepath.Glob(filepath.Join(c.parent, "coder-workspace-*")) // the pattern is fine
	for _, dir := range append(groups, c.group) {
		_ = os.Remove(dir)
	}
}

// ownGroup returns the directory of this process's cgroup below a mount.
func ownGroup(mount string) (string, bool) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", false
	}
	controller := filepath.Base(mount)
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		unified := parts[0] == "0" && controller != "pids"
		if !unified && !slices.Contains(strings.Split(parts[1], ","), controller) {
			continue
		}
		dir := filepath.Join(mount, parts[2])
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// threadsEach is how many threads a process may have on average: the kernel
// bounds threads, not processes.
const threadsEach = 8

// enter makes the group, which is removed between jobs, and bounds it where the
// host can.
func (c *corral) enter(maxProcesses int) {
	if c.group == "" {
		return
	}
	_ = os.Mkdir(c.group, 0o755)
	limit := "max"
	if maxProcesses > 0 {
		limit = strconv.Itoa(maxProcesses * threadsEach)
	}
	// Without the file the watch of the job's limits is all there is.
	_ = os.WriteFile(filepath.Join(c.group, "pids.max"), []byte(limit), 0o644) //nolint:gosec // a file of the kernel
}

// members returns the living processes of the job.
func (c *corral) members() []int {
	var out []int
	if c.group != "" {
		for _, pid := range groupMembers(c.group) {
			if !ended(pid) {
				out = append(out, pid)
			}
		}
		return out
	}
	for _, pid := range processes() {
		if pid != os.Getpid() && c.belongs(pid) {
			out = append(out, pid)
		}
	}
	return out
}

func (c *corral) belongs(pid int) bool {
	session, alive := sessionOf(pid)
	if !alive {
		return false
	}
	if slices.Contains(c.sessions, session) && within(pid, c.build) {
		return true
	}
	return hasEnv(pid, c.mark)
}

func groupMembers(group string) []int {
	b, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var out []int
	for _, f := range strings.Fields(string(b)) {
		if pid, err := strconv.Atoi(f); err == nil && pid > 1 && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}

// hasEnv reports whether a process was started with an environment entry.
func hasEnv(pid int, entry []byte) bool {
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(bytes.Split(env, []byte{0}), func(e []byte) bool { return bytes.Equal(e, entry) })
}

// keeps is which processes may outlive a job.
type keeps struct {
	none      bool
	workspace string // empty: of any workspace
}

// owner returns the workspace for which a process may live on, or nothing. Such
// a process has left the daemon's session and carries the mark.
func (c *corral) owner(pid int, k keeps) string {
	session, alive := sessionOf(pid)
	if k.none || !alive || slices.Contains(c.sessions, session) {
		return ""
	}
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return ""
	}
	for _, e := range bytes.Split(env, []byte{0}) {
		id, ok := strings.CutPrefix(string(e), keepMark)
		if _, err := api.ParseID(id); ok && err == nil && (k.workspace == "" || id == k.workspace) {
			return id
		}
	}
	return ""
}

const (
	// settleTime is how long a process that leaves the daemon's session may take
	// to become what it is to be; between fork and exec it cannot be told from
	// what must end.
	settleTime = time.Second
	settleStep = 5 * time.Millisecond
	// reapTime bounds the wait for killed processes to go.
	reapTime = 3 * time.Second
)

// reap ends the processes of a job but those that may live on. It goes on until
// none is found, so that no process escapes by forking. With settle, processes
// that may be about to become a workspace's are given a moment.
func (c *corral) reap(k keeps, settle bool) {
	began := time.Now()
	for {
		left := false
		for _, pid := range c.members() {
			if id := c.owner(pid, k); id != "" {
				c.release(pid, id)
				continue
			}
			left = true
			if !settle || time.Since(began) > settleTime {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if !left || time.Since(began) > reapTime {
			return
		}
		time.Sleep(settleStep)
	}
}

// release moves a process from the job's group to that of its workspace.
func (c *corral) release(pid int, workspace string) {
	if c.group == "" {
		return
	}
	dir := c.workspaceGroup(workspace)
	_ = os.Mkdir(dir, 0o755)
	_ = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644) //nolint:gosec // a file of the kernel
}

func (c *corral) workspaceGroup(id string) string {
	return filepath.Join(c.parent, "coder-workspace-"+id)
}

// endWorkspace ends what was allowed to outlive the start of a workspace.
func (c *corral) endWorkspace(id string) {
	for range 50 {
		var left []int
		if c.group != "" {
			left = groupMembers(c.workspaceGroup(id))
			left = slices.DeleteFunc(left, ended)
		}
		for _, pid := range processes() {
			if pid != os.Getpid() && !ended(pid) && hasEnv(pid, []byte(keepMark+id)) {
				left = append(left, pid)
			}
		}
		if len(left) == 0 {
			break
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(settleStep)
	}
	if c.group != "" {
		_ = os.Remove(c.workspaceGroup(id))
	}
}

// leave removes the job's group when it is empty.
func (c *corral) leave() {
	if c.group != "" {
		_ = os.Remove(c.group)
	}
}

// memory returns the bytes of RAM that processes hold, shared pages counted for
// each.
func memory(pids []int) int64 {
	var pages int64
	for _, pid := range pids {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
		if fields := strings.Fields(string(b)); err == nil && len(fields) > 1 {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			pages += n
		}
	}
	return pages * int64(os.Getpagesize())
}

// entrance is the file into which a process of the job writes itself, or nothing.
func (c *corral) entrance() string {
	if c.group == "" {
		return ""
	}
	return filepath.Join(c.group, "cgroup.procs")
}

// launcher is the text of the program that runs terraform in the job's group,
// or nothing where there is none.
func (c *corral) launcher(binary string) string {
	if c.group == "" {
		return ""
	}
	return "#!/bin/sh\nulimit -c 0\necho 0 >" + shellQuote(filepath.Join(c.group, "cgroup.procs")) +
		" || exit 1\nexec " + shellQuote(binary) + " \"$@\"\n"
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
