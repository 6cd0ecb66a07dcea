package runas

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// launcherName is the name by which a program knows that it is to be a launcher.
const launcherName = "coder-launch"

// launch is what a launcher is told, in a file beside it.
type launch struct {
	Program string `json:"program"`
	Cgroup  string `json:"cgroup,omitempty"` // cgroup.procs of the group to join
	User    User   `json:"user"`
}

// Launcher makes, in dir, a program that runs another one as the user, with the
// arguments and the environment that it is given itself. Before, it joins the
// cgroup of the given cgroup.procs file, if any. What runs then has no
// capability, can gain no right, writes no core file and has no terminal; it
// keeps the process id. dir must be one in which only root can write.
//
// self is the running program, whose main must call Launched first of all.
func (u *User) Launcher(dir, self, program, cgroup string) (string, error) {
	path := filepath.Join(dir, launcherName)
	b, err := json.Marshal(launch{Program: program, Cgroup: cgroup, User: *u})
	if err != nil {
		return "", fmt.Errorf("encode launcher: %w", err)
	}
	// A launcher of an older process may still be there; nobody uses it now.
	for _, name := range []string{path, path + ".json"} {
		if err := os.RemoveAll(name); err != nil {
			return "", fmt.Errorf("replace launcher: %w", err)
		}
	}
	if err := os.WriteFile(path+".json", b, 0o600); err != nil {
		return "", fmt.Errorf("write launcher: %w", err)
	}
	if err := os.Symlink(self, path); err != nil {
		return "", fmt.Errorf("write launcher: %w", err)
	}
	return path, nil
}

// Launched reports whether this process was started as a launcher, and then
// does not return but becomes the other program. When it cannot, it ends with
// the reason on standard error: nothing runs with more rights than it should.
func Launched() bool {
	if filepath.Base(os.Args[0]) != launcherName {
		return false
	}
	fmt.Fprintln(os.Stderr, "start as another user:", replaceProcess())
	os.Exit(1)
	return true
}

// replaceProcess returns only on error.
func replaceProcess() error {
	b, err := os.ReadFile(os.Args[0] + ".json")
	if err != nil {
		return err
	}
	var l launch
	if err := json.Unmarshal(b, &l); err != nil {
		return fmt.Errorf("read %s.json: %w", os.Args[0], err)
	}
	if l.User.UID <= 0 || l.User.GID <= 0 || l.Program == "" {
		return fmt.Errorf("read %s.json: it names no user or program", os.Args[0])
	}
	return l.exec(os.Args, os.Environ())
}
