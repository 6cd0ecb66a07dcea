package local

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is whom Postgres runs as.
type account struct {
	name     string
	uid, gid uint32
	drop     bool // we are root and must become this user first
}

// chooseAccount picks the user of Postgres: ourselves, unless we are root.
func chooseAccount(configured string) (account, error) {
	if os.Geteuid() != 0 {
		return ownAccount(configured)
	}
	names := []string{"postgres", "nobody"}
	if configured != "" {
		names = []string{configured}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("built-in postgres: user %s: %w", name, err)
		}
		if uid == 0 {
			return account{}, fmt.Errorf("built-in postgres: user %s is root; Postgres refuses to run as root, name another user", name)
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid), drop: true}, nil
	}
	if configured != "" {
		return account{}, fmt.Errorf("built-in postgres: there is no user %q on this machine", configured)
	}
	return account{}, errors.New("built-in postgres: running as root, and there is neither a user postgres nor nobody; " +
		"make one, or use --postgres-url")
}

// RunsAs returns whom a built-in Postgres runs as, whose files are of that user.
func RunsAs(configured string) (name string, uid int, err error) {
	a, err := chooseAccount(configured)
	return a.name, int(a.uid), err
}

func ownAccount(configured string) (account, error) {
	uid, gid := os.Geteuid(), os.Getegid()
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if configured != "" && configured != name {
		return account{}, fmt.Errorf("built-in postgres: only root can run Postgres as %q; this is %q", configured, name)
	}
	return account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
}

// attributes of every process that we start for this account: a process group
// of its own keeps the terminal's Ctrl-C away.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.drop {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// own hands path over to the account. The path must lie in a directory that
// only we can write.
func (a account) own(path string) error {
	if !a.drop {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// mayEnter reports whether the account may search a directory. Access control
// lists are not looked at.
func (a account) mayEnter(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return false
	}
	switch {
	case st.Uid == a.uid:
		return info.Mode()&0o100 != 0
	case st.Gid == a.gid:
		return info.Mode()&0o010 != 0
	}
	return info.Mode()&0o001 != 0
}
