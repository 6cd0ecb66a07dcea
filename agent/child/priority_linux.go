package child

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OwnPriority returns the out-of-memory score and the niceness of this process, 0
// where they are not known.
func OwnPriority() (oom, nice int) {
	if text, err := os.ReadFile("/proc/self/oom_score_adj"); err == nil {
		oom, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	// The system call returns 20 minus the niceness.
	if n, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		nice = 20 - n
	}
	return oom, nice
}

// setPriority reaches what the process has forked before us, too: it runs already.
func setPriority(pid, oom, nice int) {
	setTreeOOM(strconv.Itoa(pid), oom, maxForks)
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, nice) // refused without the privilege to be less nice
}

// maxForks bounds the generations that are looked for: a process that has just
// begun has few, and one that forks on cannot keep us here.
const maxForks = 8

// setTreeOOM sets the score of a process and then of its children: those that it
// forks in between have it from their parent.
func setTreeOOM(pid string, score, depth int) {
	if !setOOM(pid, score) || depth == 0 {
		return
	}
	lists, _ := filepath.Glob(filepath.Join("/proc", pid, "task/*/children")) // a bad pattern only
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // it has ended
		}
		for _, child := range strings.Fields(string(text)) {
			setTreeOOM(child, score, depth-1)
		}
	}
}

func setOOM(pid string, score int) bool {
	return os.WriteFile(filepath.Join("/proc", pid, "oom_score_adj"), []byte(strconv.Itoa(score)), 0o600) == nil
}
