package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coder.internal/database/local"
)

const (
	clusterTime  = 2 * time.Minute // initdb takes a second
	clusterFiles = 700             // fewer is not a cluster
	segmentSize  = 16 << 20        // bytes of the log
)

// clusterName is the file of the prepared cluster beside the archive out.
func clusterName(out string) string {
	return strings.TrimSuffix(out, ".tar.zst") + "-cluster.tar.zst"
}

// cluster returns the archive of a new cluster that the binaries in files have
// made. It is empty for a platform other than this machine's: its server runs
// initdb itself.
func cluster(platform string, files []file) ([]byte, error) {
	if platform != runtime.GOOS+"-"+runtime.GOARCH {
		fmt.Fprintf(os.Stderr, "pgarchive: no prepared cluster for %s, this is %s-%s; the first start will take longer\n",
			platform, runtime.GOOS, runtime.GOARCH)
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "pgarchive")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), clusterTime)
	defer cancel()
	if err := makeCluster(ctx, dir, files); err != nil {
		return nil, fmt.Errorf("%w; -no-cluster builds without a prepared one", err)
	}
	made, err := readCluster(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	return pack(made, byBase, clusterFiles)
}

// makeCluster unpacks files in dir and lets them make a cluster in dir/data.
func makeCluster(ctx context.Context, dir string, files []file) error {
	tree := filepath.Join(dir, "tree")
	if err := unpack(tree, files); err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	attr, err := attributes(data)
	if err != nil {
		return err
	}
	run := func(stdin, program string, args ...string) error {
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, filepath.Join(tree, "bin", program), args...)
		// No locale program on PATH: collations of this machine stay out.
		cmd.Dir, cmd.Env = "/", []string{"LC_ALL=C", "PATH=" + filepath.Join(tree, "bin"), "TZ=UTC"}
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = strings.NewReader(stdin), &out, &out, attr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", program, err, out.Bytes())
		}
		return nil
	}
	if err := run("", "initdb", local.InitArgs(data)...); err != nil {
		return err
	}
	return run(local.PrepareSQL, "postgres", "--single", "-D", data, "template1")
}

// attributes drop root, which Postgres refuses, and give data to who is left.
func attributes(data string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}},
			os.Chown(data, int(uid), int(gid))
	}
	return nil, errors.New("initdb does not run as root, and there is neither a user postgres nor nobody")
}

// unpack writes files below dir, for everybody to run.
func unpack(dir string, files []file) error {
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.name))
		if !filepath.IsLocal(f.name) {
			return fmt.Errorf("unexpected name %q", f.name)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // another user runs it
			return err
		}
		var err error
		if f.link != "" {
			err = os.Symlink(f.link, name)
		} else {
			err = os.WriteFile(name, f.data, 0o755) //nolint:gosec // another user runs it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var segment = regexp.MustCompile(`^pg_wal/([0-9A-F]{24})$`)

// isWritten tells a segment of the log from one that is kept for later, which is
// an old one under a new name: its first page says where in the log it is.
func isWritten(f file) bool {
	const addressAt = 8
	digits := segment.FindStringSubmatch(f.name)[1][8:] // without the timeline
	high, err1 := strconv.ParseUint(digits[:8], 16, 32)
	low, err2 := strconv.ParseUint(digits[8:], 16, 32)
	if errors.Join(err1, err2) != nil || len(f.data) != segmentSize {
		return false
	}
	return binary.LittleEndian.Uint64(f.data[addressAt:]) == high<<32+low*segmentSize
}

// readCluster reads a stopped cluster. Of its log it keeps the last segment that
// was written, without the zeros at the end; Start writes those again.
func readCluster(dir string) ([]file, error) {
	var files []file
	written := "" // the last segment of the log
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(name), isDir: d.IsDir()}
		switch {
		case f.name == "postmaster.opts":
			return nil
		case !f.isDir && !d.Type().IsRegular():
			return fmt.Errorf("%s is neither file nor directory", name)
		case !f.isDir:
			if f.data, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		if segment.MatchString(f.name) {
			if isWritten(f) && f.name > written {
				written = f.name
			}
			f.data = bytes.TrimRight(f.data, "\x00")
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	kept := files[:0]
	for _, f := range files {
		if !segment.MatchString(f.name) || f.name == written {
			kept = append(kept, f)
		}
	}
	if written == "" {
		return nil, errors.New("the new cluster has no log")
	}
	return kept, nil
}
