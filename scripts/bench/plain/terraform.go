package plain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/proc"
)

// Transitions of a workspace as coder/coder names them.
const (
	Start  = "start"
	Stop   = "stop"
	Delete = "destroy"
)

// Terraform plays the life of one workspace by hand: each step runs `terraform
// init` and one more command in a fresh directory with the state of the step
// before. Not safe for concurrent use.
type Terraform struct {
	Binary string
	Module string // directory of the module
	Mirror string // filesystem mirror with all providers
	Dir    string // existing directory for everything of this value
	Vars   map[string]string
	Path   string // PATH of the commands
	// Env is added to the environment.
	Env []string

	id    string
	state []byte
	n     int
}

// agentScript stands for the agent: one process that ends when it is told to.
const agentScript = "exec sleep 3600"

// Build runs init and apply, or destroy, and returns how long both took, and how
// long init took alone.
func (t *Terraform) Build(ctx context.Context, transition string) (both, init time.Duration, err error) {
	dir, env, err := t.prepare(transition)
	if err != nil {
		return 0, 0, err
	}
	init, err = t.run(ctx, dir, env, []string{"init"})
	if err != nil {
		return 0, 0, errors.Join(err, os.RemoveAll(dir))
	}
	took, err := t.change(ctx, dir, env, transition)
	return init + took, init, errors.Join(err, os.RemoveAll(dir))
}

// NoPluginTLS is what the provisioner adds to the environment: Terraform and its
// providers, which talk over a socket in a private directory, skip making
// certificates. It saves about 30 ms for each of four provider starts, so a
// comparison with a build says which side had it.
const NoPluginTLS = "TF_DISABLE_PLUGIN_TLS=1"

// Floor runs the same as Build and returns how long apply or destroy took in a
// directory that was initialised before, without checksums to verify. With the
// environment of the provisioner no build can be faster.
func (t *Terraform) Floor(ctx context.Context, transition string) (time.Duration, error) {
	dir, env, err := t.prepare(transition)
	if err != nil {
		return 0, err
	}
	_, err = t.run(ctx, dir, env, []string{"init"})
	if err == nil {
		err = dropChecksums(filepath.Join(dir, ".terraform.lock.hcl"))
	}
	if err != nil {
		return 0, errors.Join(err, os.RemoveAll(dir))
	}
	took, err := t.change(ctx, dir, env, transition, "-lock=false", "-json")
	return took, errors.Join(err, os.RemoveAll(dir))
}

var checksums = regexp.MustCompile(`(?ms)^  hashes = \[.*?^  \]\n`)

func dropChecksums(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a module without providers
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, checksums.ReplaceAll(text, nil), 0o600)
}

// change runs apply or destroy and keeps the state.
func (t *Terraform) change(ctx context.Context, dir string, env []string, transition string, flags ...string) (time.Duration, error) {
	verb := "apply"
	if transition == Delete {
		verb = "destroy"
	}
	took, err := t.run(ctx, dir, env, append([]string{verb, "-auto-approve"}, flags...))
	state, readErr := os.ReadFile(filepath.Join(dir, "terraform.tfstate"))
	if readErr == nil {
		t.state = state
	} else if !errors.Is(readErr, fs.ErrNotExist) {
		err = errors.Join(err, readErr)
	}
	return took, err
}

// Plan runs init and plan without any state and returns how long both took.
func (t *Terraform) Plan(ctx context.Context) (time.Duration, error) {
	saved := t.state
	t.state = nil
	defer func() { t.state = saved }()
	dir, env, err := t.prepare(Start)
	if err != nil {
		return 0, err
	}
	took, err := t.run(ctx, dir, env, []string{"init"}, []string{"plan"})
	return took, errors.Join(err, os.RemoveAll(dir))
}

func (t *Terraform) run(ctx context.Context, dir string, env []string, commands ...[]string) (time.Duration, error) {
	var sum time.Duration
	for _, args := range commands {
		args = append(args, "-input=false", "-no-color")
		r, err := proc.Run(ctx, proc.Spec{Path: t.Binary, Args: args, Dir: dir, Env: env})
		sum += r.Wall
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// prepare makes the fresh directory of a step and its environment.
func (t *Terraform) prepare(transition string) (dir string, env []string, err error) {
	if t.id == "" {
		t.id = api.NewID().String()
	}
	t.n++
	dir = filepath.Join(t.Dir, "step"+strconv.Itoa(t.n))
	home, tmp := filepath.Join(t.Dir, "home"), filepath.Join(t.Dir, "tmp")
	for _, d := range []string{dir, home, tmp} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", nil, err
		}
	}
	if err := os.CopyFS(dir, os.DirFS(t.Module)); err != nil {
		return "", nil, fmt.Errorf("copy module: %w", err)
	}
	if t.state != nil {
		if err := os.WriteFile(filepath.Join(dir, "terraform.tfstate"), t.state, 0o600); err != nil {
			return "", nil, err
		}
	}
	config := filepath.Join(t.Dir, "cli.tfrc")
	text := "disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = " + strconv.Quote(t.Mirror) +
		"\n    include = [\"*/*\", \"*/*/*\"]\n  }\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", nil, err
	}
	env = []string{"PATH=" + t.Path, "HOME=" + home, "TMPDIR=" + tmp, "LANG=C.UTF-8", "TF_CLI_CONFIG_FILE=" + config,
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0",
		"CODER_AGENT_URL=http://127.0.0.1:1/", "CODER_WORKSPACE_TRANSITION=" + transition,
		"CODER_WORKSPACE_NAME=plain", "CODER_WORKSPACE_ID=" + t.id, "CODER_WORKSPACE_BUILD_ID=" + api.NewID().String(),
		"CODER_WORKSPACE_TEMPLATE_ID=" + t.id, "CODER_WORKSPACE_TEMPLATE_NAME=host", "CODER_WORKSPACE_TEMPLATE_VERSION=v1",
		"CODER_WORKSPACE_OWNER=admin", "CODER_WORKSPACE_OWNER_ID=" + t.id, "CODER_WORKSPACE_OWNER_NAME=Admin",
		"CODER_WORKSPACE_OWNER_EMAIL=admin@localhost.example", "CODER_WORKSPACE_OWNER_GROUPS=[]",
		"CODER_WORKSPACE_OWNER_RBAC_ROLES=[]",
		"CODER_AGENT_SCRIPT_linux_amd64=" + agentScript, "CODER_AGENT_SCRIPT_linux_arm64=" + agentScript}
	env = append(env, t.Env...)
	for name, value := range t.Vars {
		env = append(env, "TF_VAR_"+name+"="+value)
	}
	return dir, env, nil
}
