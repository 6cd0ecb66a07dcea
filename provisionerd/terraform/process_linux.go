package terraform

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processes returns the ids of all processes that can be seen.
func processes() []int {
	f, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	names, _ := f.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func within(pid int, dir string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return false
	}
	cwd = strings.TrimSuffix(cwd, " (deleted)")
	return cwd == dir || strings.HasPrefix(cwd, dir+"/")
}

// sessionOf returns the session of a process, and whether the process lives: a
// zombie, which waits for its parent only, does not. The session is 0 when its
// leader is outside our PID namespace, as in a container entered from the host.
func sessionOf(pid int) (session int, alive bool) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, false
	}
	// The name may hold anything, also a parenthesis; what follows the last one
	// is: state, parent, group, session.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 4 || fields[0] == "Z" {
		return 0, false
	}
	session, err = strconv.Atoi(fields[3])
	return session, err == nil
}

// ended reports whether a process is gone but for its entry in the table.
func ended(pid int) bool {
	_, alive := sessionOf(pid)
	return !alive
}

// ownSession returns the session of this process.
func ownSession() int {
	session, _ := sessionOf(os.Getpid())
	return session
}

// changeTime is when anything about a file changed last; nobody can set it.
func changeTime(info os.FileInfo) int64 {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return sys.Ctim.Nano()
}
