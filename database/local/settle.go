package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// syncWorkers is how many files are synced at once: their waits add up otherwise.
const syncWorkers = 4

// settling is the work that brings what a start has made to disk.
type settling struct {
	cluster chan struct{} // closed when the cluster is on disk, or err says why not
	all     chan struct{} // closed when everything has ended
	err     error         // may be read once cluster is closed
}

// Settle waits until the cluster that Begin has made is on disk: from then on
// what Postgres has committed survives a crash of the machine. It returns at once
// for a cluster that was there before. On an error nothing may be acknowledged;
// Stop then, and the next start makes the cluster again.
func (s *Server) Settle(ctx context.Context) error {
	s.mu.Lock()
	work := s.settling
	s.mu.Unlock()
	return work.wait(ctx)
}

func (w *settling) wait(ctx context.Context) error {
	if w == nil {
		return nil
	}
	select {
	case <-w.cluster:
		return w.err
	case <-ctx.Done():
		return fmt.Errorf("built-in postgres: wait until the cluster is on disk: %w", ctx.Err())
	}
}

// settle begins to bring a new cluster to disk, and after it the unpacked
// binaries in tree, unless that is "". Stop waits for its end.
func (s *Server) settle(cluster bool, tree string) *settling {
	if s.cfg.Volatile || !cluster && tree == "" {
		return nil
	}
	w := &settling{cluster: make(chan struct{}), all: make(chan struct{})}
	go func() {
		defer close(w.all)
		if cluster {
			w.err = s.settleCluster()
		}
		close(w.cluster)
		if tree != "" && w.err == nil {
			if err := settleTree(tree); err != nil {
				s.log.Warn("unpacked postgres binaries are not known to be on disk, the next start looks again", "error", err)
			}
		}
	}()
	return w
}

// markUnsettled says, on disk, that what is at DataDir may be incomplete there.
// Only settleCluster takes it back.
func (s *Server) markUnsettled() error {
	f, err := os.OpenFile(s.unsettledPath(), os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("built-in postgres: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close(), syncPath(s.home)); err != nil {
		return fmt.Errorf("built-in postgres: mark the cluster as new: %w", err)
	}
	return nil
}

func (s *Server) settleCluster() error {
	start := time.Now()
	err := syncTree(s.DataDir())
	if err == nil {
		err = syncPath(s.home)
	}
	if err == nil {
		err = os.Remove(s.unsettledPath())
	}
	if err == nil {
		err = syncPath(s.home)
	}
	if err != nil {
		return fmt.Errorf("built-in postgres: bring the cluster to disk: %w", err)
	}
	s.log.Info("postgres cluster is on disk", "took", time.Since(start))
	return nil
}

// settleTree brings unpacked binaries to disk and marks them as complete.
func settleTree(tree string) error {
	if err := syncTree(tree); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(tree, completeName), os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncPath(tree), syncPath(filepath.Dir(tree)))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncTree brings every file and directory below dir to disk. Files that vanish
// meanwhile are no error. It follows no link, and a directory of the account
// cannot lead it elsewhere.
func syncTree(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a directory handle
	names := make(chan string)
	errs := make([]error, syncWorkers+1)
	var workers sync.WaitGroup
	for i := range syncWorkers {
		workers.Go(func() {
			for name := range names {
				errs[i] = errors.Join(errs[i], syncIn(root, name))
			}
		})
	}
	errs[syncWorkers] = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return unlessGone(err)
		}
		if d.IsDir() || d.Type().IsRegular() {
			names <- name
		}
		return nil
	})
	close(names)
	workers.Wait()
	return errors.Join(errs...)
}

func syncIn(root *os.Root, name string) error {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return unlessGone(err)
	}
	return errors.Join(f.Sync(), f.Close())
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
