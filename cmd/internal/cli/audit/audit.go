// Package audit is `coder audit`: the audit log for archives and other programs.
package audit

import (
	"bufio"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
)

// Command is `coder audit`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "audit", Short: "Read the audit log"}, export(env))
}

// export writes entries to standard output, for pipes; there is nothing else there.
func export(env *cli.Env) *cobra.Command {
	var search string
	cmd := &cobra.Command{Use: "export", Short: "Write the audit log as JSON, one entry a line, newest first", Args: cli.Exactly(),
		Example: "  coder audit export > audit.jsonl\n  coder audit export --search 'action:delete date_from:2026-01-01'"}
	cmd.Flags().StringVarP(&search, "search", "q", "", "only entries that match, such as 'resource_type:workspace username:alice'")
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(env.Stdout)
		err = c.ExportAuditLog(ctx, search, out)
		if ferr := out.Flush(); err == nil && ferr != nil {
			err = fmt.Errorf("write the export: %w", ferr)
		}
		return err
	})
	return cmd
}
