package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	hcversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/archive"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/coderprovider"
)

// killInterval is how often a killed job is looked for again.
const killInterval = 20 * time.Millisecond

// run is one job in the build directory.
type run struct {
	p       *Provisioner
	job     *jobrpc.Job
	s       provisionerd.Session
	mask    *mask
	warned  sync.Map // see output.warned
	timings []jobrpc.Timing
	redo    redo // what an earlier build has left unfinished
	done    []func()
	began   time.Time
	broke   *excess // the limit that ended the job
	keep    keeps   // which processes may outlive the job
}

// begin prepares the run of a job. What it logs goes through its mask.
func (p *Provisioner) begin(job *jobrpc.Job, m jobrpc.Meta, s provisionerd.Session) *run {
	r := &run{p: p, job: job, s: s, mask: &mask{user: p.opts.User, stateFile: p.stateFile()}, began: p.now()}
	// Only the start of a workspace may leave something running, and only its own.
	r.keep = keeps{none: job.Build == nil || m.Transition != api.TransitionStart || p.opts.EndDetached, workspace: m.WorkspaceID.String()}
	r.mask.add(m.OwnerSession.Reveal(), m.OwnerSSHPrivate.Reveal())
	for _, a := range m.ExternalAuth {
		r.mask.add(a.AccessToken.Reveal())
	}
	r.s.Log = func(line jobrpc.Log) {
		line.Output = r.mask.hide(line.Output)
		s.Log(line)
	}
	r.s.State = func(state []byte, tokens []api.Secret) {
		r.mask.addTokens(tokens)
		s.State(state, tokens)
	}
	return r
}

// hideSensitive makes the values of sensitive variables known to the mask.
func (r *run) hideSensitive(module *tfconfig.Module, given []api.VariableValue) {
	for _, v := range module.Variables {
		if v.Sensitive {
			r.mask.add(defaultText(v.Default))
		}
	}
	for _, v := range given {
		if declared := module.Variables[v.Name]; declared != nil && declared.Sensitive {
			r.mask.add(v.Value)
		}
	}
}

// close gives back what the run holds. Processes of the job are ended first.
func (r *run) close() {
	r.p.corral.reap(r.keep, !r.keep.none)
	for _, f := range r.done {
		f()
	}
}

func (r *run) note(level api.LogLevel, stage, text string) {
	r.s.Log(jobrpc.Log{CreatedAt: r.p.opts.Clock.Now(), Source: "provisioner_daemon", Level: level, Stage: stage, Output: text})
}

// guarded calls f with a context that carries ctx's end to terraform. It kills
// the job's processes for as long as f goes on after Session.Kill was closed or a
// limit was broken; a job whose time is over is interrupted before.
func (r *run) guarded(ctx context.Context, f func(context.Context) error) error {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	looking, stopLooking := context.WithCancel(context.WithoutCancel(ctx))
	broken := make(chan *excess, 1)
	go func() { broken <- r.watchLimits(looking) }()
	finished, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-finished:
		case <-r.s.Kill:
			r.killUntil(finished)
		case e := <-broken:
			broken <- nil // for the wait below
			if e == nil {
				return // f has ended, and with it the watch
			}
			r.broke = e
			r.enforce(interrupt, finished)
		}
	}()
	err := f(ctx)
	stopLooking()
	close(finished)
	<-watched
	if late := <-broken; late != nil && r.broke == nil && err != nil {
		r.broke = late
	}
	return err
}

// enforce ends a job that has broken a limit.
func (r *run) enforce(interrupt func(), finished <-chan struct{}) {
	if r.broke.gently {
		interrupt()
		t := r.p.opts.Clock.NewTimer(stopPatience, "patience")
		defer t.Stop()
		select {
		case <-finished:
			return
		case <-r.s.Kill:
		case <-t.C:
		}
	}
	r.killUntil(finished)
}

// killUntil kills the job's processes until finished is closed.
func (r *run) killUntil(finished <-chan struct{}) {
	t := r.p.opts.Clock.NewTicker(killInterval, "kill")
	defer t.Stop()
	for {
		r.p.corral.reap(r.keep, false)
		select {
		case <-finished:
			return
		case <-t.C:
		}
	}
}

// fill puts the template of the job into the build directory, initialised: from
// the store, or by unpacking the archive and running init.
func (r *run) fill(ctx context.Context) error {
	p := r.p
	if err := p.Discard(); err != nil {
		return err
	}
	p.corral.enter(p.opts.Limits.Processes)
	p.loadBallast()
	key := p.store.key(r.job)
	entry, release, err := p.store.open(key)
	if err != nil {
		return err
	}
	if entry != "" && !p.packages.hold(entry) {
		// A provider is not what it was: the template is initialised again.
		release()
		if _, err := p.store.remove(key); err != nil {
			return err
		}
		entry = ""
	}
	if entry != "" {
		r.done = append(r.done, release)
		r.note(api.LogDebug, stageInit, "Using the initialised directory of this template version.")
		return r.fromStore(entry)
	}
	if err := r.unpack(ctx); err != nil {
		return err
	}
	if err := r.versionModules(ctx); err != nil {
		return err
	}
	if err := r.init(ctx, nil); err != nil {
		return err
	}
	if r.job.ArchiveHash == "" {
		return nil
	}
	if err := p.store.publish(key, p.opts.User, p.build); err != nil {
		// The job goes on without it; the next one initialises again.
		p.log.Warn("store an initialised template", "job_id", r.job.ID, "error", err)
		return nil
	}
	if err := p.store.prune(key); err != nil {
		p.log.Warn("prune the template store", "error", err)
	}
	if err := p.packages.prune(p.store.linked()); err != nil {
		p.log.Warn("prune the provider packages", "error", err)
	}
	return nil
}

// fromStore copies what a build may write to and links what it may not.
func (r *run) fromStore(entry string) error {
	names, err := os.ReadDir(entry)
	if err != nil {
		return fmt.Errorf("read stored template: %w", err)
	}
	for _, e := range names {
		from, to := filepath.Join(entry, e.Name()), filepath.Join(r.p.build, e.Name())
		if e.Name() == ".terraform" {
			err = r.p.linkData(from, to)
		} else {
			err = r.p.copyAny(from, to)
		}
		if err != nil {
			return fmt.Errorf("copy stored template: %w", err)
		}
	}
	return nil
}

// linkData makes a .terraform whose providers are those of the store and whose
// modules are copies, because templates may write to ${path.module}.
func (p *Provisioner) linkData(from, to string) error {
	names, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := p.as(func() error { return os.Mkdir(to, 0o700) }); err != nil {
		return err
	}
	for _, e := range names {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.Name() == "providers" {
			err = p.as(func() error { return os.Symlink(src, dst) })
		} else {
			err = p.copyAny(src, dst)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyAny copies something of the store for the job.
func (p *Provisioner) copyAny(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		if err := p.as(func() error { return os.Mkdir(to, 0o700) }); err != nil {
			return err
		}
		return copyTree(nil, from, p.opts.User, to)
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return p.as(func() error { return os.Symlink(target, to) })
	}
	return copyFile(nil, from, p.opts.User, to, info.Mode().Perm()|0o600)
}

// unpack fetches the archive and removes from it what is not the template's to
// say: state, the lock on our provider, and where state is kept.
func (r *run) unpack(ctx context.Context) error {
	rc, err := r.s.Archive(ctx)
	if err != nil {
		return fmt.Errorf("fetch the template archive: %w", err)
	}
	err = r.p.as(func() error { return archive.Unpack(rc, r.job.ArchiveType, r.p.build, limits()) })
	if err := errors.Join(err, rc.Close()); err != nil {
		var bad *archive.Error
		if errors.As(err, &bad) || errors.Is(err, archive.ErrTooLarge) {
			return &provisionerd.Failure{Message: "The template cannot be unpacked: " + err.Error()}
		}
		return err
	}
	return r.p.as(r.tidy)
}

// tidy is unpack's removal, with the job's rights.
func (r *run) tidy() error {
	for _, name := range []string{".terraform", "terraform.tfstate", "terraform.tfstate.backup", ".terraform.tfstate.lock.info"} {
		if err := removeAll(filepath.Join(r.p.build, name)); err != nil {
			return err
		}
	}
	if err := editLock(r.p.build, func(address, entry string) string {
		if address == coderprovider.Address {
			return ""
		}
		return entry
	}); err != nil {
		return err
	}
	return overrideBackend(r.p.build)
}

// overrideBackend keeps state in the build directory, whatever the template says.
func overrideBackend(dir string) error {
	if !declaresBackend(dir) {
		return nil
	}
	path := filepath.Join(dir, "zz_coder_backend_override.tf")
	if err := writePrivate(path, []byte("terraform {\n  backend \"local\" {}\n}\n")); err != nil {
		return fmt.Errorf("override backend: %w", err)
	}
	return nil
}

func older(version, than string) bool {
	v, err := hcversion.NewVersion(version)
	return err == nil && v.Core().LessThan(hcversion.Must(hcversion.NewVersion(than)))
}

// writeVariables writes the values of template variables where only the job's
// user can read them. A value of a type that has no notation as text is JSON.
func (r *run) writeVariables(values []api.VariableValue, types map[string]string) error {
	out := make(map[string]any, len(values))
	for _, v := range values {
		out[v.Name] = v.Value
		if complexType(types[v.Name]) && json.Valid([]byte(v.Value)) {
			out[v.Name] = json.RawMessage(v.Value)
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encode variables: %w", err)
	}
	if err := r.p.giveFile(r.p.varFile(), b); err != nil {
		return fmt.Errorf("write variables: %w", err)
	}
	return nil
}

func complexType(t string) bool {
	for _, prefix := range []string{"list", "set", "map", "object", "tuple"} {
		if strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}
