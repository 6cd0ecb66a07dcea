// Package runas lets a process that is root give work to other users of the
// host: file operations of its own (User.Do), and programs (Launcher).
//
// It owns how a user is named in a list, which rights are given up, and in which
// order. It never decides which work belongs to whom. A User is a value that
// nobody changes. A nil *User stands for the user of this process: its methods
// then do what they would do without this package.
//
// Only Linux can do this; elsewhere Check refuses every user.
package runas

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// User is somebody whom work is given to.
type User struct {
	Name   string // as the system knows it; the number where it knows none
	UID    int
	GID    int
	Groups []int // all groups, without GID
}

// Limits of a list of users.
const (
	maxList = 256
	maxID   = 1<<31 - 1 // also fits an int of 32 bits; ids above are reserved
)

// Parse reads a list of users, separated by commas: a name, a number, a number
// with its group ("10001:10001") or a range of numbers ("10001-10003"). A number
// that the system does not know is its own group, and is in no other. Names are
// looked up in /etc/passwd. No user may be root or be named twice.
func Parse(list string) ([]*User, error) {
	var out []*User
	for entry := range strings.SplitSeq(list, ",") {
		users, err := parse(strings.TrimSpace(entry))
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if slices.ContainsFunc(out, func(o *User) bool { return o.UID == u.UID }) {
				return nil, fmt.Errorf("user %s is named twice", u.Name)
			}
			if out = append(out, u); len(out) > maxList {
				return nil, fmt.Errorf("more than %d users are named", maxList)
			}
		}
	}
	return out, nil
}

func parse(entry string) ([]*User, error) {
	if entry == "" {
		return nil, fmt.Errorf("a user is missing between commas")
	}
	if first, last, ok := strings.Cut(entry, "-"); ok && isNumber(first) && isNumber(last) {
		return parseRange(entry, first, last)
	}
	id, group, hasGroup := strings.Cut(entry, ":")
	if isNumber(id) {
		u, err := numbered(id)
		if err == nil && hasGroup {
			u.Groups = nil
			u.GID, err = number(group)
		}
		return []*User{u}, refuseRoot(entry, u, err)
	}
	if hasGroup {
		return nil, fmt.Errorf("%q is not a user; write a name, or numbers as in 10001:10001", entry)
	}
	known, err := user.Lookup(entry)
	if err != nil {
		return nil, fmt.Errorf("there is no user %q on this host; make it with useradd --system, or give a number", entry)
	}
	u, err := fromSystem(known)
	return []*User{u}, refuseRoot(entry, u, err)
}

func parseRange(entry, first, last string) ([]*User, error) {
	from, err := number(first)
	if err != nil {
		return nil, err
	}
	to, err := number(last)
	if err != nil {
		return nil, err
	}
	if to < from || to-from >= maxList {
		return nil, fmt.Errorf("%q is not a range of 1 to %d users", entry, maxList)
	}
	var out []*User
	for id := from; id <= to; id++ {
		u, err := numbered(strconv.Itoa(id))
		if err := refuseRoot(entry, u, err); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

func refuseRoot(entry string, u *User, err error) error {
	if err != nil {
		return err
	}
	if u.UID == 0 || u.GID == 0 || slices.Contains(u.Groups, 0) {
		return fmt.Errorf("%q is root or in the group of root; name a user without rights of its own", entry)
	}
	return nil
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || !isNumber(s) || n > maxID {
		return 0, fmt.Errorf("%q is not a number of a user or group (1 to %d)", s, maxID)
	}
	return n, nil
}

func numbered(id string) (*User, error) {
	n, err := number(id)
	if err != nil {
		return nil, err
	}
	if known, err := user.LookupId(strconv.Itoa(n)); err == nil {
		return fromSystem(known)
	}
	return &User{Name: strconv.Itoa(n), UID: n, GID: n}, nil
}

func fromSystem(known *user.User) (*User, error) {
	u := &User{Name: known.Username}
	var err error
	if u.UID, err = number(known.Uid); err != nil {
		return nil, err
	}
	if u.GID, err = number(known.Gid); err != nil {
		return nil, err
	}
	groups, err := known.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("read the groups of user %s: %w", known.Username, err)
	}
	for _, g := range groups {
		if n, err := number(g); err != nil {
			return nil, err
		} else if n != u.GID {
			u.Groups = append(u.Groups, n)
		}
	}
	return u, nil
}

// Closed returns the directory on the way to path that the user may not enter,
// or path itself if the user may not read it; empty if nothing is in the way.
// The user of this process may always. It fails when path is not there.
func (u *User) Closed(path string) (string, error) {
	if u == nil {
		return "", nil
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	var closed string
	err = u.Do(func() error {
		for i, c := range path {
			if i == 0 || c != filepath.Separator {
				continue
			}
			if _, err := os.Stat(path[:i] + "/."); err != nil {
				closed = path[:i]
				return nil
			}
		}
		f, err := os.Open(path)
		if err != nil {
			closed = path
			return nil
		}
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			_, err = os.Stat(path + "/.")
		}
		if err != nil {
			closed = path
		}
		return f.Close()
	})
	return closed, err
}

// Owns reports whether a file is the user's.
func (u *User) Owns(info fs.FileInfo) bool { return u.owns(info) }
