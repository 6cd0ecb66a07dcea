//go:build !linux

package runas

import (
	"errors"
	"io/fs"
)

var errNotHere = errors.New("only Linux can run programs as another user; leave the option out")

// Check refuses every user.
func (u *User) Check() error {
	if u == nil {
		return nil
	}
	return errNotHere
}

// Do runs f for the user of this process, and refuses it for others.
func (u *User) Do(f func() error) error {
	if u == nil {
		return f()
	}
	return errNotHere
}

// Give refuses every user.
func (u *User) Give(string) error { return u.Check() }

// owns relies on the mode of the file here.
func (u *User) owns(fs.FileInfo) bool { return u == nil }

func (*launch) exec([]string, []string) error { return errNotHere }
