// Command coder-slim is the small binary: the agent of workspaces and the client
// commands of laptops. It has no server, no database and no provisioner.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/commands"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	return cli.Main(ctx, cli.OS(), os.Args[1:], commands.Client(commands.Hooks{})...)
}
