package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Stop ends Postgres: sessions are cut, what was committed is on disk. When
// that takes longer than 20 s it insists. It blocks until the process is gone;
// stopping what does not run is no error. Files
// that a first start has made are on disk then.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop(ctx)
}

func (s *Server) stop(ctx context.Context) error {
	defer s.unlock()
	if s.settling != nil {
		defer func() { <-s.settling.all }()
	}
	if !s.running() {
		return nil
	}
	gone := func() bool { return !s.running() }
	if err := endProcess(ctx, s.cmd.Process.Pid, gone); err != nil {
		return fmt.Errorf("stop built-in postgres: %w", err)
	}
	<-s.dead
	return nil
}

// endProcess asks a postmaster to end: fast, then without a checkpoint, then by
// force. Only the first needs no recovery at the next start; none loses data.
// The end of ctx ends the patience of the first step only.
func endProcess(ctx context.Context, pid int, gone func() bool) error {
	steps := []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, fastTimeout}, {syscall.SIGQUIT, quitTimeout}, {syscall.SIGKILL, quitTimeout}}
	for _, step := range steps {
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal process %d: %w", pid, err)
		}
		if waitUntil(ctx, step.wait, gone) {
			return nil
		}
		ctx = context.WithoutCancel(ctx)
	}
	return fmt.Errorf("process %d does not end", pid)
}

// waitUntil polls for the end of a process that need not be a child of ours. It
// reports what holds when limit is over or ctx ends.
func waitUntil(ctx context.Context, limit time.Duration, gone func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !gone() {
		select {
		case <-ctx.Done():
			return gone()
		case <-tick.C:
		}
	}
	return true
}

// endOrphan stops the Postgres that an earlier coder server left behind, and
// removes a postmaster.pid that would stop ours from starting. The lock is
// held, so nobody else can be starting one.
func (s *Server) endOrphan(ctx context.Context) error {
	path := filepath.Join(s.DataDir(), "postmaster.pid")
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("built-in postgres: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(line))) // 0 for a file that a crash left empty
	using, known := processesIn(s.DataDir())
	if pid > 1 && alive(pid) && (using[pid] || !known) {
		s.log.Info("stopping the postgres of an earlier server", "pid", pid)
		gone := func() bool {
			_, err := os.Lstat(path)
			return errors.Is(err, fs.ErrNotExist) || !alive(pid)
		}
		if err := endProcess(ctx, pid, gone); err != nil {
			return fmt.Errorf("built-in postgres: stop the one of an earlier server: %w", err)
		}
		using, known = processesIn(s.DataDir())
		delete(using, pid) // its last instructions
	}
	if !known {
		return nil // Postgres judges the file by itself
	}
	// A postmaster that was killed leaves children for a moment. While they live
	// the file must stay: it is what keeps a second postmaster out.
	if !waitUntil(ctx, quitTimeout, func() bool {
		using, _ = processesIn(s.DataDir())
		return len(using) == 0
	}) {
		return fmt.Errorf("built-in postgres: processes of an earlier Postgres still use %s: %v; end them first",
			s.DataDir(), keys(using))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("built-in postgres: remove a stale file: %w", err)
	}
	return nil
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func keys(set map[int]bool) []int {
	list := make([]int, 0, len(set))
	for pid := range set {
		list = append(list, pid)
	}
	return list
}

// processesIn finds the processes whose working directory is dir: every process
// of a cluster has its data directory there. It says false where the system
// does not tell.
func processesIn(dir string) (map[int]bool, bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	found, known := map[int]bool{}, false
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		known = true
		cwd, err := os.Readlink(filepath.Join("/proc", e.Name(), "cwd"))
		if err == nil && cwd == dir {
			found[pid] = true
		}
	}
	return found, known
}

// readSmall reads a file out of a directory that is not ours: only a regular
// file, at most 4 KiB, and never through a link.
func readSmall(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, 4096))
}
