// Command coder is the full binary: server, provisioner, agent and every client
// command. Started by Terraform it is the coder/coder provider;
// started as a launcher it becomes Terraform, as another user.
package main

import (
	"os"

	"coder.internal/cmd/internal/cli/server"
	"coder.internal/internal/runas"
	"coder.internal/provisionerd/coderprovider"
)

func main() {
	// What starts a job as another user still has the rights of root: before all.
	if runas.Launched() {
		return
	}
	// Terraform starts this binary three times a build: before anything else.
	if coderprovider.Wanted() {
		coderprovider.Serve()
		return
	}
	os.Exit(server.Program())
}
