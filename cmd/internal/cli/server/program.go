package server

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/commands"
)

// Program runs the full binary with the arguments and the environment of this
// process, and returns its exit code. SIGINT and SIGTERM end it.
func Program() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	env := cli.OS()
	makers := append(commands.Client(commands.Hooks{Full: true, ResetPassword: ResetPassword(env), Starters: Starters,
		StartProvisioner: StartProvisioner, TestTemplate: TestTemplate(env)}), Command())
	return cli.Main(ctx, env, os.Args[1:], makers...)
}
