package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

// bench is one run: its directory, and what the groups share, made when first
// asked for.
type bench struct {
	options
	dir            string
	stdout, stderr io.Writer

	shared *deployment
	sshd   *plain.SSHD
	count  int // of names made
}

// group is a set of figures that are measured together.
type group struct {
	name string
	run  func(*bench, context.Context) error
}

// groups in the order of measuring: what wants an idle, young server comes
// before what loads it.
func groups() []group {
	return []group{
		{"version", (*bench).version},
		{"start", (*bench).start},
		{"idle", (*bench).idleUse},
		{"import", (*bench).imports},
		{"build", (*bench).builds},
		{"providers", (*bench).threeProviders},
		{"modules", (*bench).fiveModules},
		{"many", (*bench).many},
		{"create", (*bench).create},
		{"ssh", (*bench).ssh},
		{"slim", (*bench).slimSSH},
		{"parallel", (*bench).parallelSSH},
		{"open", (*bench).openConnection},
		{"terminal", (*bench).terminal},
		{"relayed", (*bench).relayed},
		{"direct", (*bench).direct},
		{"pairs", (*bench).pairs},
		{"relayonly", (*bench).relayOnly},
		{"streams", (*bench).streams},
		{"apps", (*bench).apps},
		{"appsflat", (*bench).appsFlat},
		{"fleet", (*bench).fleet},
		{"ha", (*bench).several},
		{"lists", (*bench).lists},
		{"logins", (*bench).logins},
		{"site", (*bench).dashboard},
	}
}

func groupNames() string {
	var names []string
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}

func newBench(o options, stdout, stderr io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "coder-bench-")
	if err != nil {
		return nil, fmt.Errorf("make temporary directory: %w", err)
	}
	// The user of Postgres must be able to pass.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // enter, not read
		return nil, err
	}
	return &bench{options: o, dir: dir, stdout: stdout, stderr: stderr}, nil
}

// measure runs the chosen groups. A group that fails does not keep the others
// from being measured.
func (b *bench) measure(ctx context.Context) error {
	var all error
	chosen := 0
	for _, g := range groups() {
		if !b.only.MatchString(g.name) {
			continue
		}
		chosen++
		b.say("%s (load %s)", g.name, load())
		start := time.Now()
		if err := g.run(b, ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err = fmt.Errorf("%s: %w", g.name, err)
			b.say("%v", err)
			all = errors.Join(all, err)
			continue
		}
		b.say("%s took %s", g.name, time.Since(start).Round(time.Millisecond))
	}
	if chosen == 0 {
		return fmt.Errorf("-only %s matches none of %s", b.only, groupNames())
	}
	return all
}

// close stops and removes everything.
func (b *bench) close() error {
	var errs []error
	if b.sshd != nil {
		errs = append(errs, b.sshd.Stop())
	}
	if b.shared != nil {
		errs = append(errs, b.shared.server.Stop())
	}
	errs = append(errs, b.sweep())
	if b.keep {
		b.say("kept %s", b.dir)
	} else {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}

// sweep ends what detached itself: agents, and whatever a failure left behind.
// Our directory's name is in the environment or arguments of each.
func (b *bench) sweep() error {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		left, err := proc.Marked(b.dir)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, sig) // it may just have ended
		}
		// The context is not ours: after Ctrl-C there is still this to do.
		err = proc.Until(context.Background(), "processes to end", 20*time.Millisecond, 5*time.Second, func() (bool, error) {
			left, err := proc.Marked(b.dir)
			return len(left) == 0, err
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("processes of %s do not end", b.dir)
}

func (b *bench) emit(f figure) error { return f.print(b.stdout) }

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.stderr, "bench: "+format+"\n", args...)
}

// sub makes a directory of the run.
func (b *bench) sub(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o711)
}

// unique returns a name that this run has not used.
func (b *bench) unique(prefix string) string {
	b.count++
	return fmt.Sprintf("%s%d", prefix, b.count)
}

// openssh returns the reference server of the ssh figures.
func (b *bench) openssh(ctx context.Context) (*plain.SSHD, error) {
	if b.sshd != nil {
		return b.sshd, nil
	}
	dir, err := b.sub("openssh")
	if err != nil {
		return nil, err
	}
	if b.sshd, err = plain.StartSSHD(ctx, dir); err != nil {
		return nil, err
	}
	b.say("reference: %s", b.sshd.Version(ctx))
	return b.sshd, nil
}

func terraformPath() (string, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return "", errors.New("no terraform on PATH: install it")
	}
	return filepath.Abs(path)
}

// slimBeside is where make build leaves the small binary of this machine.
func slimBeside(binary string) string {
	return filepath.Join(filepath.Dir(binary), "coder-slim-linux-"+runtime.GOARCH)
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
