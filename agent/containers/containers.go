// Package containers knows the containers beside an agent, and the dev containers
// among them, through the docker and devcontainer programs of the workspace.
//
// It owns the starts and removals that it was asked for, one of a dev container at
// a time: stopped → starting → running, → deleting → stopped, or error with its
// reason, which the next start or removal takes back. It speaks to no socket of the
// engine itself, touches no container that is not a dev container, and gives words
// of others to programs as single arguments.
package containers

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/agent/child"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// Limits of what is listed, and how long a list is given out again.
const (
	maxContainers    = 128
	maxDevcontainers = 64
	maxLabels        = 32
	maxText          = 512 // of a label, an image, a path
	listKeep         = time.Second
	findKeep         = 30 * time.Second
	commandTimeout   = 15 * time.Second
	deleteTimeout    = 2 * time.Minute
)

// Options of Containers. Log, Clock and Up are required.
type Options struct {
	Log     *slog.Logger
	Clock   quartz.Clock
	Account child.Account
	// Environ is that of the docker program; its PATH is where it is looked for.
	Environ []string
	// Known are the dev containers of the template, with absolute paths.
	Known []agentrpc.Devcontainer
	// Root is searched for configurations of dev containers; empty for none.
	Root string
	// Up starts a dev container, anew where recreate is set, and says why it did
	// not. It blocks until that is done.
	Up func(ctx context.Context, d agentrpc.Devcontainer, recreate bool) error
	// Disabled refuses to start dev containers.
	Disabled bool
}

// Containers are those of one workspace.
type Containers struct {
	opts Options
	turn chan struct{} // held by who lists

	mu      sync.Mutex
	ctx     context.Context // of Run, which owns the work; nil while it does not run
	work    sync.WaitGroup
	states  map[api.ID]state
	last    api.AgentContainers
	lastAt  time.Time
	found   []agentrpc.Devcontainer
	foundAt time.Time
}

// state is what is being done with a dev container, or how that failed.
type state struct {
	status api.DevcontainerStatus
	err    string
}

// New returns Containers; it starts nothing.
func New(o Options) (*Containers, error) {
	if o.Log == nil || o.Clock == nil || o.Up == nil {
		return nil, errors.New("containers options: Log, Clock and Up are required")
	}
	o.Log = o.Log.With("component", "containers")
	return &Containers{opts: o, turn: make(chan struct{}, 1), states: map[api.ID]state{}}, nil
}

// Run owns the starts and removals: it blocks until ctx ends and the last of them
// has ended with it.
func (c *Containers) Run(ctx context.Context) error {
	c.mu.Lock()
	c.ctx = ctx
	c.mu.Unlock()
	<-ctx.Done()
	c.mu.Lock()
	c.ctx = nil
	c.mu.Unlock()
	c.work.Wait()
	return nil
}

// List returns what is there now. An engine that does not answer is a warning.
func (c *Containers) List(ctx context.Context) (api.AgentContainers, error) {
	select {
	case <-ctx.Done():
		return api.AgentContainers{}, ctx.Err()
	case c.turn <- struct{}{}:
	}
	defer func() { <-c.turn }()
	c.mu.Lock()
	last, at := c.last, c.lastAt
	c.mu.Unlock()
	if at.IsZero() || c.opts.Clock.Since(at) >= listKeep {
		last = api.AgentContainers{Containers: []api.AgentContainer{}}
		all, err := c.inspect(ctx)
		switch {
		case ctx.Err() != nil:
			return last, ctx.Err()
		case err != nil:
			last.Warnings = []string{err.Error()}
		default:
			last.Containers = all
		}
		if c.opts.Root != "" && (c.foundAt.IsZero() || c.opts.Clock.Since(c.foundAt) >= findKeep) {
			c.found, c.foundAt = find(ctx, c.opts.Root), c.opts.Clock.Now()
		}
		c.mu.Lock()
		c.last, c.lastAt = last, c.opts.Clock.Now()
		c.mu.Unlock()
	}
	last.Devcontainers = c.devcontainers(last.Containers)
	return last, nil
}

// devcontainers are those of the template, those that run, and those found.
func (c *Containers) devcontainers(all []api.AgentContainer) []api.AgentDevcontainer {
	out := []api.AgentDevcontainer{}
	taken := map[string]bool{}
	add := func(d agentrpc.Devcontainer, at *api.AgentContainer) {
		key := d.WorkspaceFolder + "\x00" + d.ConfigPath
		if len(out) == maxDevcontainers || taken[key] {
			return
		}
		taken[key] = true
		e := api.AgentDevcontainer{ID: d.ID, Name: d.Name, WorkspaceFolder: d.WorkspaceFolder, ConfigPath: d.ConfigPath,
			Status: api.DevcontainerStopped, Container: at}
		if !d.SubagentID.IsZero() {
			e.SubagentID = &d.SubagentID
		}
		if at != nil && at.Running {
			e.Status = api.DevcontainerRunning
		}
		if at != nil {
			e.Dirty = changedSince(cmp.Or(d.ConfigPath, at.Labels[labelConfig]), at.CreatedAt)
		}
		c.mu.Lock()
		if s, ok := c.states[d.ID]; ok {
			e.Status, e.Error = s.status, s.err
		}
		c.mu.Unlock()
		out = append(out, e)
	}
	used := map[string]bool{}
	for _, d := range c.opts.Known {
		at := match(d, all)
		if at != nil {
			used[at.ID] = true
			taken[d.WorkspaceFolder+"\x00"+at.Labels[labelConfig]] = true
		}
		taken[d.WorkspaceFolder+"\x00"+d.ConfigPath] = false
		add(d, at)
	}
	for i := range all {
		if folder := all[i].Labels[labelFolder]; folder != "" && !used[all[i].ID] {
			add(made(folder, all[i].Labels[labelConfig]), &all[i])
		}
	}
	for _, d := range c.found {
		if !slices.ContainsFunc(c.opts.Known, func(k agentrpc.Devcontainer) bool {
			return k.WorkspaceFolder == d.WorkspaceFolder && (k.ConfigPath == "" || k.ConfigPath == d.ConfigPath)
		}) {
			add(d, nil)
		}
	}
	return out
}

// match finds the container of d, a running one before others.
func match(d agentrpc.Devcontainer, all []api.AgentContainer) (best *api.AgentContainer) {
	for i := range all {
		l := all[i].Labels
		if l[labelFolder] != d.WorkspaceFolder || d.ConfigPath != "" && l[labelConfig] != "" && l[labelConfig] != d.ConfigPath {
			continue
		}
		if best == nil || all[i].Running && !best.Running {
			best = &all[i]
		}
	}
	return best
}

// Recreate starts a dev container anew. It returns at once: List says how it goes.
func (c *Containers) Recreate(ctx context.Context, id api.ID) error {
	if c.opts.Disabled {
		return api.Conflict("Dev containers are off in this workspace: CODER_AGENT_DEVCONTAINERS_ENABLE is false, or the system is not Linux.")
	}
	d, err := c.one(ctx, id)
	if err != nil {
		return err
	}
	return c.begin(id, api.DevcontainerStarting, func(ctx context.Context) error {
		return c.opts.Up(ctx, agentrpc.Devcontainer{ID: d.ID, Name: d.Name, WorkspaceFolder: d.WorkspaceFolder, ConfigPath: d.ConfigPath}, true)
	})
}

// Delete removes the container of a dev container. The folder stays. It returns at
// once: List says how it goes.
func (c *Containers) Delete(ctx context.Context, id api.ID) error {
	d, err := c.one(ctx, id)
	if err != nil {
		return err
	}
	if d.Container == nil {
		return api.Conflict("This dev container has no container.")
	}
	return c.begin(id, api.DevcontainerDeleting, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
		defer cancel()
		_, err := c.docker(ctx, "rm", "--force", "--", d.Container.ID)
		return err
	})
}

// one finds a dev container in a fresh list.
func (c *Containers) one(ctx context.Context, id api.ID) (api.AgentDevcontainer, error) {
	all, err := c.List(ctx)
	if err != nil {
		return api.AgentDevcontainer{}, err
	}
	for _, d := range all.Devcontainers {
		if d.ID == id {
			return d, nil
		}
	}
	return api.AgentDevcontainer{}, api.NotFound("Dev container")
}

// begin does work in the background unless something is being done already.
func (c *Containers) begin(id api.ID, status api.DevcontainerStatus, work func(context.Context) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		return &api.Error{Code: api.CodeUnavailable, Message: "The workspace is stopping."}
	}
	if s := c.states[id].status; s != "" && s != api.DevcontainerError {
		return api.Conflict("The dev container is " + string(s) + ". Wait until that is done.")
	}
	c.states[id] = state{status: status}
	ctx := c.ctx
	c.work.Go(func() {
		err := work(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.states, id)
		c.lastAt = time.Time{} // look again
		if err != nil && ctx.Err() == nil {
			c.opts.Log.Warn("dev container left", "devcontainer_id", id, "status", string(status), "error", err)
			c.states[id] = state{api.DevcontainerError, cut(err.Error())}
		}
	})
	return nil
}

// Starting tells that the dev container of the template is being started by others;
// the returned function takes how that went.
func (c *Containers) Starting(id api.ID) (ended func(error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[id] = state{status: api.DevcontainerStarting}
	return func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.states, id)
		c.lastAt = time.Time{}
		if err != nil {
			c.states[id] = state{api.DevcontainerError, cut(err.Error())}
		}
	}
}

// made is the dev container of a folder that the template does not name.
func made(folder, config string) agentrpc.Devcontainer {
	return agentrpc.Devcontainer{ID: stableID(folder, config), Name: nameOf(folder), WorkspaceFolder: folder, ConfigPath: config}
}

// nameOf makes a name of the last part of a path.
func nameOf(folder string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, filepath.Base(folder))
	if name = strings.Trim(name, "-"); name == "" {
		return "devcontainer"
	}
	return name[:min(len(name), 32)]
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxText)], "") }
