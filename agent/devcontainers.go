package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"coder.internal/agent/child"
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
func (a *Agent) startDevcontainers(ctx context.Context, all []agentrpc.Devcontainer, runner *scripts.Runner, account child.Account, environ []string) {
	for _, d := range all {
		if ctx.Err() != nil {
			return
		}
		log := a.opts.Log.With("component", "devcontainers", "devcontainer", d.Name)
		if a.opts.DisableDevcontainers || runtime.GOOS != "linux" {
			log.Info("dev container is not started, they are off here")
			continue
		}
		source := agentrpc.LogSource{ID: d.ID, DisplayName: "Dev container " + d.Name, Icon: devcontainerIcon}
		err := a.deliver(ctx, "log source", func(ctx context.Context) error { return a.opts.Client.PostLogSource(ctx, source) })
		if err != nil {
			log.Warn("log source of dev container refused", "error", err)
			continue
		}
		status, code := runner.Once(ctx, api.AgentScript{LogSourceID: d.ID, Timeout: int(devcontainerTimeout / time.Second),
			DisplayName: source.DisplayName, Script: devcontainerUp(d, account, environ)})
		log.Info("dev container start ended", "status", status, "exit_code", code)
	}
}

// devcontainerUp is the script that starts d. Names from the template reach the
// shell as quoted words only.
func devcontainerUp(d agentrpc.Devcontainer, account child.Account, environ []string) string {
	folder := account.Expand(d.WorkspaceFolder, environ)
	command := "devcontainer up --log-format text --workspace-folder " + quote(folder)
	if d.ConfigPath != "" {
		config := d.ConfigPath
		if !filepath.IsAbs(config) && !strings.HasPrefix(config, "~") && !strings.HasPrefix(config, "$") {
			config = filepath.Join(folder, config)
		}
		command += " --config " + quote(account.Expand(config, environ))
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
