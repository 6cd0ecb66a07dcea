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

func setPriority(pid, oom, nice int) {
	setOOM(strconv.Itoa(pid), oom)
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, nice) // refused without the privilege to be less nice
}

func setOOM(pid string, score int) bool {
	return os.WriteFile(filepath.Join("/proc", pid, "oom_score_adj"), []byte(strconv.Itoa(score)), 0o600) == nil
}
