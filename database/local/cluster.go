package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"coder.internal/internal/memory"
)

const (
	segmentSize = 16 << 20 // bytes of a WAL segment, as initdb makes them
	segmentDir  = "pg_wal"
)

var segmentName = regexp.MustCompile(`^` + segmentDir + `/[0-9A-F]{24}$`)

// InitArgs are initdb's arguments for a cluster like ours in dir.
func InitArgs(dir string) []string {
	return []string{"-D", dir, "-U", roleName, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"}
}

// PrepareSQL is what pgarchive runs in a new cluster, one statement a line: the
// database gets its name, and the log goes on in a new segment, so that what
// initdb has logged need not be carried.
const PrepareSQL = "alter database postgres rename to " + databaseName + "\nselect pg_switch_wal()\n"

func (s *Server) freshDir() string { return s.DataDir() + ".new" }

// unpackCluster begins to put the embedded cluster beside its place, when this
// build has one. The returned function waits for that; it says false when there
// is none, or when it cannot be used, which is in the log.
func (s *Server) unpackCluster() (wait func() bool) {
	if embeddedCluster == "" {
		return func() bool { return false }
	}
	done := make(chan error, 1)
	go func() {
		defer memory.Forget(embeddedCluster)
		done <- s.unpackClusterFrom(embeddedCluster)
	}()
	return func() bool {
		err := <-done
		if err != nil {
			s.log.Warn("embedded postgres cluster cannot be used", "error", err)
		}
		return err == nil
	}
}

func (s *Server) unpackClusterFrom(archive string) error {
	fresh := s.freshDir()
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove an unfinished cluster: %w", err)
	}
	// It stays ours until it is whole, so the account cannot reach into it.
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	zeros := make([]byte, 256<<10)
	finish := func(f *os.File, name string) error {
		if s.account.drop {
			if err := f.Chown(int(s.account.uid), int(s.account.gid)); err != nil {
				return err
			}
		}
		if segmentName.MatchString(name) {
			return fill(f, zeros)
		}
		return nil
	}
	if err := extract(fresh, archive, layout{file: 0o600, program: 0o600, dir: 0o700, finish: finish}); err != nil {
		return fmt.Errorf("unpack the cluster: %w", err)
	}
	var random identity
	_, _ = rand.Read(random[:]) // never fails
	if err := setIdentity(fresh, random, time.Now()); err != nil {
		return fmt.Errorf("give the cluster its identity: %w", err)
	}
	if err := os.Chmod(fresh, 0o700); err != nil {
		return err
	}
	return s.account.own(fresh)
}

// fill writes zeros up to the size of a WAL segment. The archive leaves them out;
// Postgres wants them written, so that a commit need not allocate.
func fill(f *os.File, zeros []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for left := segmentSize - info.Size(); left > 0; {
		n, err := f.Write(zeros[:min(left, int64(len(zeros)))])
		if err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

// makeCluster moves the unpacked cluster to its place, or one that initdb makes
// where that cannot serve. It moves it whole, so that a kill in between leaves
// nothing that looks like data.
func (s *Server) makeCluster(ctx context.Context, bin binaries, unpacked bool) error {
	start := time.Now()
	fresh := s.freshDir()
	if major, err := clusterMajor(fresh); !unpacked || !bin.embedded || err != nil || major != bin.major {
		unpacked = false
		if err := s.initCluster(ctx, bin); err != nil {
			return err
		}
	}
	if !s.cfg.Volatile {
		if err := s.markUnsettled(); err != nil {
			return err
		}
	}
	if err := os.Rename(fresh, s.DataDir()); err != nil {
		return fmt.Errorf("built-in postgres: %w", err)
	}
	s.log.Info("postgres cluster made", "dir", s.DataDir(), "version", bin.major, "unpacked", unpacked, "took", time.Since(start))
	return nil
}

func (s *Server) initCluster(ctx context.Context, bin binaries) error {
	if err := os.RemoveAll(s.freshDir()); err != nil {
		return fmt.Errorf("built-in postgres: remove an unfinished cluster: %w", err)
	}
	if err := s.makeOwned(s.freshDir()); err != nil {
		return err
	}
	if _, err := s.output(ctx, bin.initdb(), InitArgs(s.freshDir())...); err != nil {
		return fmt.Errorf("built-in postgres: make the cluster: %w", err)
	}
	return nil
}

// dropUnsettled removes a cluster that never got to disk. It holds nothing that
// was acknowledged. No process uses it: endOrphan came before.
func (s *Server) dropUnsettled() error {
	if _, err := os.Lstat(s.unsettledPath()); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("built-in postgres: %w", err)
	}
	s.log.Warn("the first start was cut short, making the cluster again", "dir", s.DataDir())
	if err := os.RemoveAll(s.DataDir()); err != nil {
		return fmt.Errorf("built-in postgres: remove an unfinished cluster: %w", err)
	}
	return nil
}

func (s *Server) unsettledPath() string { return filepath.Join(s.home, "unsettled") }
