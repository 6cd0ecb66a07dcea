package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"coder.internal/agent/child"
	"coder.internal/agent/containers"
	"coder.internal/agent/scripts"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// devcontainerTimeout bounds the start of one dev container; images are built in it.
const devcontainerTimeout = time.Hour

const devcontainerIcon = "/icon/container.svg"

// startDevcontainers starts the dev containers of the template one after another,
// through the devcontainer CLI in the workspace. It comes after the start scripts,
// which fetch the folders and may install the CLI. What it prints and why it
// fails stands in a log of its own; the workspace is ready all the same.
func (a *Agent) startDevcontainers(ctx context.Context, all []agentrpc.Devcontainer, boxes *containers.Containers, runner *scripts.Runner) {
	for _, d := range all {
		if ctx.Err() != nil {
			return
		}
		if a.devcontainersOff() {
			a.opts.Log.Info("dev container is not started, they are off here", "component", "devcontainers", "devcontainer", d.Name)
			continue
		}
		ended := boxes.Starting(d.ID)
		ended(a.devcontainerUp(ctx, d, runner, false))
	}
}

func (a *Agent) devcontainersOff() bool {
	return a.opts.DisableDevcontainers || runtime.GOOS != "linux"
}

// newContainers returns the containers of the workspace. The dev containers of m have
// absolute paths.
func (a *Agent) newContainers(m agentrpc.Manifest, runner *scripts.Runner, account child.Account, environ []string) (*containers.Containers, error) {
	o := containers.Options{Log: a.opts.Log, Clock: a.opts.Clock, Account: account, Environ: environ, Known: m.Devcontainers,
		Disabled: a.devcontainersOff(), Up: func(ctx context.Context, d agentrpc.Devcontainer, recreate bool) error {
			return a.devcontainerUp(ctx, d, runner, recreate)
		}}
	if m.Directory != "" && !a.opts.DisableDiscovery && !o.Disabled {
		o.Root = account.Expand(m.Directory, environ)
	}
	return containers.New(o)
}

// absolute returns all with their paths expanded.
func absolute(all []agentrpc.Devcontainer, account child.Account, environ []string) []agentrpc.Devcontainer {
	out := slices.Clone(all)
	for i, d := range out {
		out[i].WorkspaceFolder = account.Expand(d.WorkspaceFolder, environ)
		if config := d.ConfigPath; config != "" {
			if !filepath.IsAbs(config) && !strings.HasPrefix(config, "~") && !strings.HasPrefix(config, "$") {
				config = filepath.Join(out[i].WorkspaceFolder, config)
			}
			out[i].ConfigPath = account.Expand(config, environ)
		}
	}
	return out
}

// devcontainerUp blocks until the devcontainer program has ended. Its output is a
// log of its own.
func (a *Agent) devcontainerUp(ctx context.Context, d agentrpc.Devcontainer, runner *scripts.Runner, recreate bool) error {
	log := a.opts.Log.With("component", "devcontainers", "devcontainer", d.Name)
	source := agentrpc.LogSource{ID: d.ID, DisplayName: "Dev container " + d.Name, Icon: devcontainerIcon}
	err := a.deliver(ctx, "log source", func(ctx context.Context) error { return a.opts.Client.PostLogSource(ctx, source) })
	if err != nil {
		return fmt.Errorf("the server refused the log of the dev container: %w", err)
	}
	status, code := runner.Once(ctx, api.AgentScript{LogSourceID: d.ID, Timeout: int(devcontainerTimeout / time.Second),
		DisplayName: source.DisplayName, Script: devcontainerScript(d, recreate)})
	log.Info("dev container start ended", "status", status, "exit_code", code)
	if status != "ok" && status != "pipes_left_open" {
		return fmt.Errorf("devcontainer up ended with %s, exit code %d; the log %q says more", status, code, source.DisplayName)
	}
	return nil
}

// devcontainerScript is the script that starts d. Names from the template reach the
// shell as quoted words only.
func devcontainerScript(d agentrpc.Devcontainer, recreate bool) string {
	folder := d.WorkspaceFolder
	command := "devcontainer up --log-format text --workspace-folder " + quote(folder)
	if recreate {
		command += " --remove-existing-container"
	}
	if d.ConfigPath != "" {
		command += " --config " + quote(d.ConfigPath)
	}
	const absent = "The devcontainer CLI is not in the PATH of this workspace. Install it in a start script or in the image: npm install -g @devcontainers/cli"
	return fmt.Sprintf(`#!/bin/sh
if ! command -v devcontainer >/dev/null 2>&1; then
	printf '%%s\n' %s >&2
	exit 127
fi
if ! [ -d %s ]; then
	printf '%%s\n' %s >&2
	exit 1
fi
exec %s
`, quote(absent), quote(folder), quote("The workspace folder "+folder+" of the dev container is not there. Fetch it in a start script."), command)
}

// quote makes one word of s for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
