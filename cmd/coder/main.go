// Command coder is the full binary: server, provisioner, agent and every client
// command. Started by Terraform it is the coder/coder provider.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/commands"
	"coder.internal/cmd/internal/cli/server"
	"coder.internal/provisionerd/coderprovider"
)

func main() {
	// Terraform starts this binary three times a build: before anything else.
	if coderprovider.Wanted() {
		coderprovider.Serve()
		return
	}
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	env := cli.OS()
	makers := append(commands.Client(commands.Hooks{Full: true, ResetPassword: server.ResetPassword(env),
		Starters: server.Starters}), server.Command())
	return cli.Main(ctx, env, os.Args[1:], makers...)
}
