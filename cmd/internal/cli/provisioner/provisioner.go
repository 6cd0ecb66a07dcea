// Package provisioner holds `coder provisioner`: daemons, their keys, and jobs. The
// daemon itself is not here: starting it needs the full binary, which hands its
// command in.
package provisioner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder provisioner`; start is its first subcommand, nil in the small
// binary.
func Command(start cli.Maker) cli.Maker {
	return func(env *cli.Env) *cobra.Command {
		return cli.Group(&cobra.Command{Use: "provisioner", Aliases: []string{"provisioners"}, Short: "Manage provisioner daemons and jobs"},
			startOf(start, env), list(env), jobs(env), keys(env))
	}
}

// OldCommand is `coder provisionerd`, an older name of which only start is known.
func OldCommand(start cli.Maker) cli.Maker {
	return func(env *cli.Env) *cobra.Command {
		return cli.Group(&cobra.Command{Use: "provisionerd", Short: "Older name of provisioner", Hidden: true}, startOf(start, env))
	}
}

func startOf(start cli.Maker, env *cli.Env) *cobra.Command {
	if start != nil {
		return start(env)
	}
	cmd := &cobra.Command{Use: "start", Short: "Run builds for a deployment on this host (full binary only)", DisableFlagParsing: true}
	cmd.RunE = cli.RunE(func(context.Context, []string) error {
		return &api.Error{Code: api.CodeUnsupported,
			Message: "This is the small binary, which has no provisioner. Use the full one, the same that runs the server."}
	})
	return cmd
}

// TagFlag adds --tag.
func TagFlag(fs *pflag.FlagSet, to *[]string) {
	cli.List(fs, to, "tag", "t", "KEY=VALUE that the daemon offers; may be repeated")
	cli.Bind(fs, "tag", "CODER_PROVISIONERD_TAGS")
}

// ParseTags reads KEY=VALUE pairs.
func ParseTags(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range pairs {
		if p == "" {
			continue
		}
		k, v, ok := strings.Cut(p, "=")
		if k = strings.TrimSpace(k); !ok || k == "" {
			return nil, cli.Usage("tag", fmt.Sprintf("%q is not KEY=VALUE.", cli.Inert(p)))
		}
		out[k] = strings.TrimSpace(v)
	}
	return out, nil
}

// showTags writes tags in one line, without an owner that is nobody.
func showTags(tags map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if k != api.TagOwner || tags[k] != "" {
			parts = append(parts, k+"="+tags[k])
		}
	}
	return strings.Join(parts, " ")
}

// signedIn returns the caller's client and the organization of a command, the
// default one without a reference.
func signedIn(ctx context.Context, env *cli.Env, ref string) (*client.Client, api.Organization, error) {
	return env.InOrganization(ctx, ref)
}
