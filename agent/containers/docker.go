package containers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"coder.internal/agent/child"
	"coder.internal/api"
)

// Labels that the devcontainer program puts on its containers.
const (
	labelFolder   = "devcontainer.local_folder"
	labelConfig   = "devcontainer.config_file"
	labelMetadata = "devcontainer.metadata"
)

// maxOutput bounds what the docker program may print, in bytes.
const maxOutput = 16 << 20

var errNoDocker = errors.New("The docker program is not in the PATH of this workspace.") //nolint:staticcheck // shown to people

// inspected is what is read of one container.
type inspected struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	State   struct {
		Status  string
		Running bool
	}
	Config struct {
		Image  string
		Labels map[string]string
	}
	Mounts          []struct{ Source, Destination string }
	NetworkSettings struct {
		Ports map[string][]struct{ HostIP, HostPort string }
	}
}

// inspect asks the engine for all containers, newest first.
func (c *Containers) inspect(ctx context.Context) ([]api.AgentContainer, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := c.docker(ctx, "ps", "--all", "--quiet", "--no-trunc")
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(string(out))
	if len(ids) == 0 {
		return []api.AgentContainer{}, nil
	}
	ids = ids[:min(len(ids), maxContainers)]
	// A container that has gone meanwhile makes the program fail, with the others
	// in its output.
	out, err = c.docker(ctx, append([]string{"inspect", "--type", "container", "--"}, ids...)...)
	var raw []inspected
	if decoded := json.Unmarshal(out, &raw); decoded != nil {
		if err == nil {
			err = fmt.Errorf("the docker program answered nonsense: %w", decoded)
		}
		return nil, err
	}
	all := make([]api.AgentContainer, len(raw))
	for i, r := range raw {
		all[i] = convert(r)
	}
	slices.SortStableFunc(all, func(a, b api.AgentContainer) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, nil
}

func convert(r inspected) api.AgentContainer {
	a := api.AgentContainer{ID: cut(r.ID), Name: cut(strings.TrimPrefix(r.Name, "/")), Image: cut(r.Config.Image), CreatedAt: r.Created,
		Running: r.State.Running, Status: cut(r.State.Status), Labels: map[string]string{}, Volumes: map[string]string{},
		Ports: []api.AgentContainerPort{}}
	for name, value := range r.Config.Labels {
		own := name == labelFolder || name == labelConfig
		if name != labelMetadata && (own || len(a.Labels) < maxLabels) { // the metadata is for the program
			a.Labels[cut(name)] = cut(value)
		}
	}
	for _, m := range r.Mounts {
		if len(a.Volumes) < maxLabels && m.Source != "" {
			a.Volumes[cut(m.Source)] = cut(m.Destination)
		}
	}
	for spec, hosts := range r.NetworkSettings.Ports {
		text, network, _ := strings.Cut(spec, "/")
		port, err := strconv.Atoi(text)
		if err != nil || len(a.Ports) >= maxLabels {
			continue
		}
		p := api.AgentContainerPort{Port: port, Network: cut(network)}
		for _, h := range hosts {
			p.HostIP = cut(h.HostIP)
			p.HostPort, _ = strconv.Atoi(h.HostPort)
		}
		a.Ports = append(a.Ports, p)
	}
	slices.SortFunc(a.Ports, func(x, y api.AgentContainerPort) int { return x.Port - y.Port })
	return a
}

// docker runs the program and returns what it prints, also where it fails.
func (c *Containers) docker(ctx context.Context, args ...string) ([]byte, error) {
	cmd, err := c.command(args...)
	if err != nil {
		return nil, err
	}
	out, failed := &limited{left: maxOutput}, &limited{left: maxText}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, failed, time.Second
	child.Group(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start docker: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Kill(cmd.Process) })
	defer stop()
	err = cmd.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("docker %s did not answer: %w", args[0], ctx.Err())
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("docker %s: %s", args[0], cmp.Or(strings.TrimSpace(failed.String()), err.Error()))
	}
	return out.Bytes(), nil
}

// command prepares the program as it is found in the PATH of the environment.
func (c *Containers) command(args ...string) (*exec.Cmd, error) {
	for _, dir := range filepath.SplitList(child.Get(c.opts.Environ, "PATH")) {
		path := filepath.Join(dir, "docker")
		if st, err := os.Stat(path); filepath.IsAbs(path) && err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return &exec.Cmd{Path: path, Args: append([]string{"docker"}, args...), Env: c.opts.Environ,
				Dir: c.opts.Account.Directory("")}, nil
		}
	}
	return nil, errNoDocker
}

// limited keeps the first bytes and drops the rest.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.Buffer.Write(p[:n])
	return len(p), nil
}
