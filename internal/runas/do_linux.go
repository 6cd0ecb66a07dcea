package runas

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Check reports whether this process may become the user.
func (u *User) Check() error {
	if u == nil {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can run programs as another user; start this as root, or leave the option out and run it as that user")
	}
	return u.Do(func() error { return nil })
}

// Do runs f with the user's rights to files: what f opens, makes and removes is
// as if the user did it, and no link that the user has planted leads further than
// the user may go. Only the goroutine of f has these rights, not those that it
// starts. Calls do not nest. f must not start programs; they would be root's.
func (u *User) Do(f func() error) error {
	if u == nil {
		return f()
	}
	groups, err := os.Getgroups()
	if err != nil {
		return fmt.Errorf("read own groups: %w", err)
	}
	// On an error half way the thread stays locked, and so ends with its
	// goroutine instead of working for others with rights that are not theirs.
	runtime.LockOSThread()
	if err := become(u.UID, u.GID, u.Groups); err != nil {
		if undo := become(os.Geteuid(), os.Getegid(), groups); undo == nil {
			runtime.UnlockOSThread()
		}
		return fmt.Errorf("take the rights of user %s: %w", u.Name, err)
	}
	defer func() {
		if become(os.Geteuid(), os.Getegid(), groups) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}

// become changes what the kernel checks for file operations of this thread. The
// system calls are made for this thread alone, unlike those of package syscall.
func become(uid, gid int, groups []int) error {
	if uid == os.Geteuid() { // the rights to the rest come back with it
		syscall.RawSyscall(sysSetfsuid, uintptr(uid), 0, 0) //nolint:errcheck // looked at below
	}
	ids := make([]uint32, len(groups)+1)
	for i, g := range groups {
		ids[i] = uint32(g) //nolint:gosec // bounded by Parse, or from the kernel
	}
	if _, _, errno := syscall.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(unsafe.Pointer(&ids[0])), 0); errno != 0 {
		return fmt.Errorf("set groups (this needs CAP_SETGID): %w", errno)
	}
	syscall.RawSyscall(sysSetfsgid, uintptr(gid), 0, 0) //nolint:errcheck // looked at below
	syscall.RawSyscall(sysSetfsuid, uintptr(uid), 0, 0) //nolint:errcheck // looked at below
	// Both return what was before; an id that is none changes nothing.
	if now, _, _ := syscall.RawSyscall(sysSetfsgid, ^uintptr(0), 0, 0); int(uint32(now)) != gid { //nolint:gosec // an id
		return errors.New("set group (this needs CAP_SETGID)")
	}
	if now, _, _ := syscall.RawSyscall(sysSetfsuid, ^uintptr(0), 0, 0); int(uint32(now)) != uid { //nolint:gosec // an id
		return errors.New("set user (this needs CAP_SETUID)")
	}
	return nil
}

func (u *User) owns(info fs.FileInfo) bool {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if u == nil {
		return ok && int(sys.Uid) == os.Getuid()
	}
	return ok && int(sys.Uid) == u.UID
}

// Give makes path the user's, a link itself. The directory it lies in must be
// one in which nobody but this process's user can write.
func (u *User) Give(path string) error {
	if u == nil {
		return nil
	}
	return os.Lchown(path, u.UID, u.GID)
}
