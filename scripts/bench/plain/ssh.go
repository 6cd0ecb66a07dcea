package plain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// SSHD is an OpenSSH server of our own on 127.0.0.1, with its own host key and
// one authorized key, for the user who runs the bench.
type SSHD struct {
	dir, client, sshd, user string
	port                    int
	process                 *proc.Process
	runDir                  string // made by us, outside dir; "" when it was there
}

// FindSSHD returns the path of sshd, which is often not on PATH.
func FindSSHD() (string, error) {
	if p, err := exec.LookPath("sshd"); err == nil {
		return filepath.Abs(p) // sshd insists on an absolute path
	}
	for _, p := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			return p, nil
		}
	}
	return "", errors.New("no sshd: install the OpenSSH server (apt-get install openssh-server)")
}

// StartSSHD makes keys and configuration in dir and starts the server.
func StartSSHD(ctx context.Context, dir string) (*SSHD, error) {
	s := &SSHD{dir: dir}
	var err error
	if s.sshd, err = FindSSHD(); err != nil {
		return nil, err
	}
	if s.client, err = exec.LookPath("ssh"); err != nil {
		return nil, errors.New("no ssh: install the OpenSSH client (apt-get install openssh-client)")
	}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("who runs this: %w", err)
	}
	s.user = me.Username
	if s.port, err = proc.FreePort(); err != nil {
		return nil, err
	}
	if err := s.configure(ctx); err != nil {
		return nil, err
	}
	s.process, err = proc.Start("sshd", filepath.Join(dir, "sshd.log"),
		proc.Spec{Path: s.sshd, Args: []string{"-D", "-e", "-f", filepath.Join(dir, "sshd_config")}, Dir: dir, Env: []string{"PATH=/usr/bin:/bin"}})
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.accepting(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// configure gives sessions the locale of the workspace's: a shell loads its files.
func (s *SSHD) configure(ctx context.Context) error {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		return errors.New("no ssh-keygen: install the OpenSSH client (apt-get install openssh-client)")
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "home"), 0o700); err != nil {
		return err
	}
	for _, key := range []string{"host", "id"} {
		if _, err := proc.Run(ctx, proc.Spec{Path: keygen, Dir: s.dir, Env: []string{"PATH=/usr/bin:/bin"},
			Args: []string{"-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", filepath.Join(s.dir, key)}}); err != nil {
			return err
		}
	}
	host, err := os.ReadFile(filepath.Join(s.dir, "host.pub"))
	if err != nil {
		return err
	}
	known := "[127.0.0.1]:" + strconv.Itoa(s.port) + " " + string(host)
	if err := os.WriteFile(filepath.Join(s.dir, "known"), []byte(known), 0o600); err != nil {
		return err
	}
	if os.Geteuid() == 0 { // Debian's sshd wants this directory when it is root
		if err := os.Mkdir("/run/sshd", 0o755); err == nil {
			s.runDir = "/run/sshd"
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	config := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %d
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/id.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv HOME=%[2]s/home LANG=C.UTF-8
`, s.port, s.dir)
	return os.WriteFile(filepath.Join(s.dir, "sshd_config"), []byte(config), 0o600)
}

func (s *SSHD) accepting(ctx context.Context) error {
	return proc.Until(ctx, "sshd", 5*time.Millisecond, 10*time.Second, func() (bool, error) {
		select {
		case <-s.process.Done():
			return false, s.process.Ended()
		default:
		}
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(s.port))
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
}

// Pid is the number of the listening process.
func (s *SSHD) Pid() int { return s.process.Pid() }

// Client returns the command line of ssh to this server; options are given as
// "Key=Value".
func (s *SSHD) Client(options []string, command ...string) proc.Spec {
	args := []string{"-F", "none", "-p", strconv.Itoa(s.port), "-i", filepath.Join(s.dir, "id")}
	options = append([]string{"BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none",
		"UserKnownHostsFile=" + filepath.Join(s.dir, "known"), "GlobalKnownHostsFile=/dev/null"}, options...)
	for _, o := range options {
		args = append(args, "-o", o)
	}
	args = append(append(args, s.user+"@127.0.0.1"), command...)
	return proc.Spec{Path: s.client, Args: args, Dir: s.dir, Env: clientEnv(s.dir)}
}

// Through returns the command line of ssh that reaches host by a proxy command
// whose host key is not checked, with env added to the environment.
func (s *SSHD) Through(proxy, host string, env, options []string, command ...string) proc.Spec {
	args := []string{"-F", "none"}
	options = append([]string{"BatchMode=yes", "ProxyCommand=" + proxy, "StrictHostKeyChecking=no", "LogLevel=ERROR",
		"UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "IdentityAgent=none"}, options...)
	for _, o := range options {
		args = append(args, "-o", o)
	}
	args = append(append(args, host), command...)
	return proc.Spec{Path: s.client, Args: args, Dir: s.dir, Env: append(clientEnv(s.dir), env...)}
}

func clientEnv(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "LANG=C.UTF-8", "SHELL=/bin/sh"}
}

// Quiet waits until no connection is left, so that the time they used is known.
func (s *SSHD) Quiet(ctx context.Context) error {
	return proc.Until(ctx, "the end of ssh connections", 5*time.Millisecond, 10*time.Second, func() (bool, error) {
		tree, err := proc.Tree(s.Pid())
		return len(tree) <= 1, err
	})
}

// Stop ends the server and the connections it serves.
func (s *SSHD) Stop() error {
	var err error
	if s.process != nil {
		err = s.process.Stop(syscall.SIGTERM, 5*time.Second)
	}
	if s.runDir != "" {
		err = errors.Join(err, os.Remove(s.runDir))
	}
	return err
}

// Version is what the client says of itself.
func (s *SSHD) Version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, s.client, "-V").CombinedOutput()
	if err != nil {
		return "ssh: " + err.Error()
	}
	return strings.TrimSpace(string(out))
}
