// Command coder is the full binary: server, provisioner, agent and every client
// command. Started by Terraform it is the coder/coder provider.
package main

import (
	"os"

	"coder.internal/cmd/internal/cli/server"
	"coder.internal/provisionerd/coderprovider"
)

func main() {
	// Terraform starts this binary three times a build: before anything else.
	if coderprovider.Wanted() {
		coderprovider.Serve()
		return
	}
	os.Exit(server.Program())
}
