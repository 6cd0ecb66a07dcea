// Package commands lists the commands of a person's computer and of the agent:
// what the small binary has, and the full one besides its servers.
package commands

import (
	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/agentcmd"
	"coder.internal/cmd/internal/cli/audit"
	"coder.internal/cmd/internal/cli/completion"
	"coder.internal/cmd/internal/cli/configssh"
	"coder.internal/cmd/internal/cli/doctor"
	"coder.internal/cmd/internal/cli/dotfiles"
	"coder.internal/cmd/internal/cli/externalauth"
	"coder.internal/cmd/internal/cli/features"
	"coder.internal/cmd/internal/cli/gitaskpass"
	"coder.internal/cmd/internal/cli/gitssh"
	"coder.internal/cmd/internal/cli/groups"
	"coder.internal/cmd/internal/cli/login"
	"coder.internal/cmd/internal/cli/open"
	"coder.internal/cmd/internal/cli/organizations"
	"coder.internal/cmd/internal/cli/ping"
	"coder.internal/cmd/internal/cli/portforward"
	"coder.internal/cmd/internal/cli/provisioner"
	"coder.internal/cmd/internal/cli/publickey"
	"coder.internal/cmd/internal/cli/rpty"
	"coder.internal/cmd/internal/cli/sessions"
	"coder.internal/cmd/internal/cli/sharing"
	"coder.internal/cmd/internal/cli/ssh"
	"coder.internal/cmd/internal/cli/stat"
	"coder.internal/cmd/internal/cli/state"
	"coder.internal/cmd/internal/cli/support"
	"coder.internal/cmd/internal/cli/templates"
	"coder.internal/cmd/internal/cli/tokens"
	"coder.internal/cmd/internal/cli/users"
	"coder.internal/cmd/internal/cli/version"
	"coder.internal/cmd/internal/cli/workspaces"
)

// Hooks are what only the full binary can do. The zero value is the small one's.
type Hooks struct {
	Full          bool
	ResetPassword users.Reset
	Starters      templates.Starters
	// StartProvisioner makes "provisioner start".
	StartProvisioner cli.Maker
	TestTemplate     templates.Tester
}

// Client returns the commands.
func Client(h Hooks) []cli.Maker {
	return []cli.Maker{
		login.Command, login.Logout, login.Whoami,
		tokens.Command, sessions.Command, users.Command, users.ResetPassword(h.ResetPassword),
		organizations.Command, groups.Command, sharing.Command,
		templates.Command(h.Starters, h.TestTemplate),
		workspaces.Create, workspaces.Start, workspaces.Stop, workspaces.Restart, workspaces.Update,
		workspaces.Delete, workspaces.Rename, workspaces.List, workspaces.Show, workspaces.Logs,
		workspaces.External,
		state.Command,
		features.Command, features.Licenses,
		ssh.Command, ssh.VSCode, configssh.Command, ping.Command, ping.Speedtest, portforward.Command, open.Command, doctor.Command, support.Command,
		provisioner.Command(h.StartProvisioner), provisioner.OldCommand(h.StartProvisioner),
		audit.Command,
		publickey.Command, externalauth.Command, gitssh.Command, gitaskpass.Command, stat.Command, dotfiles.Command,
		agentcmd.Command, experimental, completion.Command, version.Command(!h.Full),
	}
}

// experimental is `coder exp`: what may change without notice.
func experimental(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "exp", Short: "Commands that may change without notice", Hidden: true}, rpty.Command(env))
}
