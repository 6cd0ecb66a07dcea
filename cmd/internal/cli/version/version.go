// Package version is `coder version`. It asks nobody.
package version

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/buildinfo"
)

// info is the JSON form.
type info struct {
	Version      string `json:"version"`
	BuildTime    string `json:"build_time"`
	ExternalURL  string `json:"external_url"`
	Slim         bool   `json:"slim"`
	AGPL         bool   `json:"agpl"`
	BoringCrypto bool   `json:"boring_crypto"`
}

// Command is `coder version`; slim says which binary this is.
func Command(slim bool) cli.Maker {
	return func(env *cli.Env) *cobra.Command {
		format := "text"
		cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: cli.Exactly()}
		cli.Enum(cmd.Flags(), &format, "output", "o", "output format", "text", "json")
		cmd.RunE = cli.RunE(func(context.Context, []string) error {
			if format == "json" {
				return cli.PrintJSON(env.Stdout, info{Version: buildinfo.Version(), Slim: slim})
			}
			if err := cli.PrintVersion(env); err != nil {
				return err
			}
			kind := "Full build: server, provisioner, agent and client."
			if slim {
				kind = "Slim build: agent and client."
			}
			_, err := fmt.Fprintf(env.Stdout, "%s %s/%s, %s\n", kind, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		})
		return cmd
	}
}
