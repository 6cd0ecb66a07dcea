package stats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// maxFiles bounds how many open files of all processes are looked at to find the
// name behind a socket.
const maxFiles = 200_000

func listening(ctx context.Context) ([]api.AgentListeningPort, error) {
	var sockets []socket
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("read listening ports: %w", err)
		}
		sockets = append(sockets, parseSockets(io.LimitReader(f, 32<<20))...)
		_ = f.Close()
	}
	wanted := map[uint64]bool{}
	for _, s := range sockets {
		wanted[s.inode] = true
	}
	own := map[uint64]bool{}
	left := maxFiles
	socketsOf("self", &left, func(inode uint64) { own[inode] = true })
	names, err := socketNames(ctx, wanted, &left)
	if err != nil {
		return nil, err
	}
	return offered(sockets, own, names), nil
}

// socketNames finds the processes that hold the wanted sockets, as far as this
// one may see. It stops when all are found or left is used up.
func socketNames(ctx context.Context, wanted map[uint64]bool, left *int) (map[uint64]string, error) {
	names := map[uint64]string{}
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer proc.Close()
	for len(names) < len(wanted) && *left > 0 && ctx.Err() == nil {
		some, err := proc.Readdirnames(256)
		if err != nil {
			break // all were seen
		}
		for _, pid := range some {
			if _, err := strconv.Atoi(pid); err != nil {
				continue
			}
			name := ""
			socketsOf(pid, left, func(inode uint64) {
				if !wanted[inode] || names[inode] != "" {
					return
				}
				if name == "" {
					name = processName(pid)
				}
				names[inode] = name
			})
		}
	}
	return names, ctx.Err()
}

// socketsOf calls found for every socket that a process holds and that may be
// seen.
func socketsOf(pid string, left *int, found func(inode uint64)) {
	dir, err := os.Open(filepath.Join("/proc", pid, "fd"))
	if err != nil {
		return // it has ended, or is somebody else's
	}
	defer dir.Close()
	for *left > 0 {
		names, err := dir.Readdirnames(min(1024, *left))
		if err != nil {
			return
		}
		*left -= len(names)
		for _, n := range names {
			target, err := os.Readlink(filepath.Join("/proc", pid, "fd", n))
			if err != nil {
				continue
			}
			text, ok := strings.CutPrefix(target, "socket:[")
			if !ok {
				continue
			}
			if inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64); err == nil {
				found(inode)
			}
		}
	}
}

// processName is the kernel's short name of a process, as inert text.
func processName(pid string) string {
	f, err := os.Open(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, agentrpc.MaxProcessName))
	if err != nil {
		return ""
	}
	h := head{}
	_, _ = h.Write(b)
	return h.text()
}
