package templates

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// archiveUnused is `coder templates archive`.
func archiveUnused(env *cli.Env) *cobra.Command {
	var yes, all bool
	var org string
	cmd := &cobra.Command{Use: "archive [template-name...]", Short: "Hide the versions of templates that no workspace uses",
		Args: cobra.ArbitraryArgs, Long: "Hide the versions of templates that no workspace uses and whose import failed; with --all also those that could be used.\n" +
			"Without a name, of all templates of the organization. The active version always stays."}
	cmd.Flags().BoolVar(&all, "all", false, "also versions whose import succeeded")
	cli.Yes(cmd.Flags(), &yes)
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		var list []api.Template
		if len(args) == 0 {
			ref, err := env.OrgRef(org)
			if err != nil {
				return err
			}
			if list, err = c.OrganizationTemplates(ctx, ref); err != nil {
				return err
			}
		}
		for _, name := range args {
			_, t, err := find(ctx, env, org, name)
			if err != nil {
				return err
			}
			list = append(list, t)
		}
		if len(list) == 0 {
			_, err := fmt.Fprintln(env.Stdout, "There are no templates.")
			return err
		}
		what := "Archive the versions of %s whose import failed?"
		if all {
			what = "Archive all versions of %s that no workspace uses?"
		}
		whose := cli.Inert(list[0].Name)
		if len(list) > 1 {
			whose = plural(len(list), "template")
		}
		if err := env.Confirm(ctx, yes, fmt.Sprintf(what, whose)); err != nil {
			return err
		}
		for _, t := range list {
			done, err := c.ArchiveUnusedVersions(ctx, t.ID, all)
			if err != nil {
				return fmt.Errorf("template %s: %w", t.Name, err)
			}
			fmt.Fprintf(env.Stdout, "%s: %s archived.\n", cli.Inert(t.Name), plural(len(done.ArchivedIDs), "version"))
		}
		return nil
	})
	return cmd
}
