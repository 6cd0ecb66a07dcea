package terraform

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/coder/quartz"
	"github.com/hashicorp/terraform-exec/tfexec"

	"coder.internal/api/jobrpc"
	"coder.internal/internal/archive"
	"coder.internal/internal/runas"
)

// Options of a Provisioner. All are required unless said otherwise.
type Options struct {
	Binary   Binary // from Find
	WorkDir  string // of this provisioner alone
	CacheDir string // may be shared, also between processes
	// ProviderBinary is the program that serves coder/coder when Terraform starts
	// it; normally os.Executable().
	ProviderBinary string
	// MirrorDir is a filesystem mirror of the operator for all other providers, or
	// a bundle; empty means the registry alone.
	MirrorDir string
	// Environ is the environment that Terraform and providers may see, as from
	// os.Environ; CODER_*, PG* and TF_* are removed from it.
	Environ []string
	// EnvAllow lists the variables of Environ that pass ("AWS_*", "KUBECONFIG");
	// empty lets all pass but those that are removed anyway. HOME passes only when
	// it is listed, for templates that read files below ~ (~/.kube/config).
	EnvAllow []string
	// DataDir is what templates that keep things on this host see as
	// XDG_DATA_HOME; it must be the same for all daemons of a host. Empty leaves
	// it to the templates.
	DataDir string
	Log     *slog.Logger
	Clock   quartz.Clock
	// MaxTemplates and MaxTemplateBytes bound the store; zero means 500 and 5 GiB.
	MaxTemplates     int
	MaxTemplateBytes int64
	// Limits of each job.
	Limits Limits
	// EndDetached ends with a job also what a start has put into a session of its
	// own for its workspace, as the starter template host does.
	EndDetached bool
	// User is who jobs run as; nil is the user of this process. Only root on Linux
	// can have another one. ProviderBinary must then call runas.Launched first.
	User *runas.User
}

// Provisioner runs Terraform for one job at a time.
type Provisioner struct {
	opts  Options
	log   *slog.Logger
	build string // the directory in which Terraform runs
	tmp   string
	env   map[string]string // what every run gets
	store *store
	// packages are the providers, shared like the store.
	packages *packages
	corral   *corral
	// tf and stopTF run in the same directory with different environments. They
	// live as long as the provisioner, because each asks terraform's version once.
	tf, stopTF *tfexec.Terraform
	unfinished *unfinished
}

// limits of an archive, as the contract with the queue states them.
func limits() archive.Limits {
	return archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: jobrpc.MaxArchiveFiles}
}

// interruptPatience is how long tfexec lets an interrupted terraform go on. The
// loop decides earlier, through Session.Kill.
const interruptPatience = 24 * time.Hour

// New makes directories and the provider mirror. It runs nothing.
func New(opts Options) (*Provisioner, error) {
	if opts.Binary.Path == "" || opts.WorkDir == "" || opts.CacheDir == "" || opts.ProviderBinary == "" ||
		opts.Log == nil || opts.Clock == nil {
		return nil, errors.New("terraform: Binary, WorkDir, CacheDir, ProviderBinary, Log and Clock are required")
	}
	for _, dir := range []*string{&opts.WorkDir, &opts.CacheDir, &opts.ProviderBinary} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", *dir, err)
		}
		*dir = abs
	}
	p := &Provisioner{opts: opts, log: opts.Log.With("component", "terraform"), build: filepath.Join(opts.WorkDir, "build")}
	cliConfig, err := p.directories()
	if err != nil {
		return nil, err
	}
	p.opts.Limits = opts.Limits.withDefaults()
	sessions, err := rememberSession(filepath.Join(opts.WorkDir, "session"))
	if err != nil {
		return nil, err
	}
	p.corral = newCorral(opts.WorkDir, p.build, p.tmp, sessions)
	p.unfinished = &unfinished{path: filepath.Join(opts.WorkDir, "unfinished.json"), log: p.log}
	p.unfinished.recall()
	p.env = baseEnv(opts, cliConfig, p.tmp)
	p.store = newStore(opts)
	p.packages = &packages{dir: filepath.Join(opts.CacheDir, "packages"), now: p.now}
	binary, err := p.launcher()
	if err != nil {
		return nil, err
	}
	for _, tf := range []**tfexec.Terraform{&p.tf, &p.stopTF} {
		if *tf, err = newExec(p.build, binary); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// directories lays out the work directory and the cache, and returns the path of
// Terraform's configuration.
func (p *Provisioner) directories() (string, error) {
	if err := p.opts.User.Check(); err != nil {
		return "", fmt.Errorf("user for builds: %w", err)
	}
	if err := p.makeDirs(); err != nil {
		return "", err
	}
	var err error
	if p.tmp, err = p.privateTemp(); err != nil {
		return "", err
	}
	cliConfig, err := writeMirror(p.opts)
	if err == nil && p.opts.User != nil {
		err = p.openWay()
	}
	if err != nil {
		return "", err
	}
	return cliConfig, p.checkWay()
}

// launcher returns the program to start for terraform: one that joins the job's
// cgroup and becomes the job's user first, or terraform itself.
func (p *Provisioner) launcher() (string, error) {
	if p.opts.User != nil {
		return p.opts.User.Launcher(p.opts.WorkDir, p.opts.ProviderBinary, p.opts.Binary.Path, p.corral.entrance())
	}
	text := p.corral.launcher(p.opts.Binary.Path)
	if text == "" {
		return p.opts.Binary.Path, nil
	}
	path := filepath.Join(p.opts.WorkDir, "terraform")
	if err := replaceFile(path, text); err != nil {
		return "", fmt.Errorf("write launcher: %w", err)
	}
	return path, nil
}

func newExec(dir, binary string) (*tfexec.Terraform, error) {
	tf, err := tfexec.NewTerraform(dir, binary)
	if err != nil {
		return nil, fmt.Errorf("prepare terraform: %w", err)
	}
	if err := errors.Join(tf.SetDisablePluginTLS(true), tf.SetWaitDelay(interruptPatience)); err != nil {
		return nil, fmt.Errorf("prepare terraform: %w", err)
	}
	return tf, nil
}

// Salvage implements provisionerd.Provisioner: it ends what a killed process
// left behind and returns the newest whole state among the files.
func (p *Provisioner) Salvage() ([]byte, error) {
	p.corral.reap(p.anyKeeps(), true)
	state, _ := p.unfinished.mark(p.newestState())
	return state, nil
}

// Discard implements provisionerd.Provisioner.
func (p *Provisioner) Discard() error {
	p.corral.reap(p.anyKeeps(), false)
	p.corral.leave()
	err := os.Remove(p.lastState())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, p.unfinished.forget(), os.RemoveAll(p.varFile()), p.clear())
}

// clear empties the directories of the job. A user's home goes with the job: what
// one leaves there, such as the configuration of git, would work on the next.
func (p *Provisioner) clear() error {
	dirs := []string{p.build, p.tmp}
	if p.opts.User != nil {
		dirs = append(dirs, filepath.Join(p.opts.WorkDir, "home"))
	}
	err := p.as(func() (err error) {
		for _, dir := range dirs {
			err = errors.Join(err, empty(dir))
		}
		return err
	})
	if err == nil || p.opts.User == nil {
		return err
	}
	// Another user may have let the job have a directory that it cannot remove.
	// Removal follows no links, but it would be in the place of more than the job's.
	err = nil
	for _, dir := range dirs {
		entries, readErr := os.ReadDir(dir)
		err = errors.Join(err, readErr)
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// anyKeeps is what may live on when it is not known which job it was.
func (p *Provisioner) anyKeeps() keeps { return keeps{none: p.opts.EndDetached} }

func (p *Provisioner) stateFile() string { return filepath.Join(p.build, "terraform.tfstate") }
func (p *Provisioner) lastState() string { return filepath.Join(p.opts.WorkDir, "state.last") }
func (p *Provisioner) varFile() string   { return filepath.Join(p.opts.WorkDir, "variables.tfvars.json") }

// rememberSession notes our session for the process that comes after a crash,
// and returns it with the one that was noted before.
func rememberSession(path string) ([]int, error) {
	sessions := []int{ownSession()}
	if b, err := os.ReadFile(path); err == nil {
		if old, err := strconv.Atoi(string(b)); err == nil && old >= 0 {
			sessions = append(sessions, old)
		}
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(sessions[0])), 0o600); err != nil {
		return nil, fmt.Errorf("note the session: %w", err)
	}
	return sessions, nil
}

// empty removes what is in dir, also read-only directories that templates made.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("empty directory: %w", err)
	}
	for _, e := range entries {
		err = errors.Join(err, removeAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// removeAll is os.RemoveAll for trees that may hold read-only directories.
func removeAll(path string) error {
	if err := os.RemoveAll(path); err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// first returns the first paragraph of s.
func first(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n\n")
	return strings.Join(strings.Fields(s), " ")
}

func (p *Provisioner) now() time.Time { return p.opts.Clock.Now() }
