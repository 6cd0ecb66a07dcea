package provisioner

import (
	"context"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// row is a daemon with the name of its organization.
type row struct {
	api.ProvisionerDaemon
	OrganizationName string `json:"organization_name"`
}

func output() *cli.Output[row] {
	cols := []cli.Column[row]{
		{Name: "id", Value: func(r row) string { return r.ID.String() }},
		{Name: "organization id", Value: func(r row) string { return r.OrganizationID.String() }},
		{Name: "created at", Value: func(r row) string { return cli.Time(r.CreatedAt) }},
		{Name: "last seen at", Value: func(r row) string {
			if r.LastSeenAt == nil {
				return ""
			}
			return cli.Time(*r.LastSeenAt)
		}},
		{Name: "name", Value: func(r row) string { return r.Name }},
		{Name: "version", Value: func(r row) string { return r.Version }},
		{Name: "api version", Value: func(r row) string { return r.APIVersion }},
		{Name: "tags", Value: func(r row) string { return showTags(r.Tags) }},
		{Name: "key name", Value: func(r row) string { return r.KeyName }},
		{Name: "status", Value: func(r row) string { return string(r.Status) }},
	}
	cols = append(cols, jobColumns("current job", func(r row) *api.ProvisionerDaemonJob { return r.CurrentJob })...)
	cols = append(cols, jobColumns("previous job", func(r row) *api.ProvisionerDaemonJob { return r.PreviousJob })...)
	cols = append(cols, cli.Column[row]{Name: "organization", Value: func(r row) string { return r.OrganizationName }})
	return &cli.Output[row]{Columns: cols,
		Default: []string{"created at", "last seen at", "key name", "name", "version", "status", "tags"},
		Empty:   "No provisioner daemon is online. To see those that were: coder provisioner list --show-offline"}
}

// jobColumns are the columns of one job of a daemon.
func jobColumns(name string, of func(row) *api.ProvisionerDaemonJob) []cli.Column[row] {
	col := func(what string, value func(api.ProvisionerDaemonJob) string) cli.Column[row] {
		return cli.Column[row]{Name: name + " " + what, Value: func(r row) string {
			if j := of(r); j != nil {
				return value(*j)
			}
			return ""
		}}
	}
	return []cli.Column[row]{
		col("id", func(j api.ProvisionerDaemonJob) string { return j.ID.String() }),
		col("status", func(j api.ProvisionerDaemonJob) string { return string(j.Status) }),
		col("template name", func(j api.ProvisionerDaemonJob) string { return j.TemplateName }),
		col("template icon", func(j api.ProvisionerDaemonJob) string { return j.TemplateIcon }),
		col("template display name", func(j api.ProvisionerDaemonJob) string { return j.TemplateDisplayName }),
	}
}

func list(env *cli.Env) *cobra.Command {
	out := output()
	var f client.DaemonsFilter
	var org, age string
	var status []string
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List provisioner daemons", Args: cli.Exactly()}
	fs := cmd.Flags()
	fs.IntVarP(&f.Limit, "limit", "l", 50, "most daemons to show")
	cli.Bind(fs, "limit", "CODER_PROVISIONER_LIST_LIMIT")
	fs.BoolVarP(&f.Offline, "show-offline", "f", false, "daemons that are gone too")
	cli.Bind(fs, "show-offline", "CODER_PROVISIONER_SHOW_OFFLINE")
	cli.List(fs, &status, "status", "s", "only daemons that are offline, idle or busy")
	cli.Bind(fs, "status", "CODER_PROVISIONER_LIST_STATUS")
	fs.StringVarP(&age, "max-age", "m", "", "only daemons seen in that time: 30m, 24h, 7d")
	cli.Bind(fs, "max-age", "CODER_PROVISIONER_LIST_MAX_AGE")
	cli.Org(fs, &org)
	out.Flags(fs)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		f.Status = status
		if age != "" {
			d, err := cli.ParseDuration(age)
			if err != nil || d <= 0 {
				return cli.Usage("max-age", "must be a duration such as 30m, 24h or 7d.")
			}
			f.MaxAge = d
		}
		c, o, err := signedIn(ctx, env, org)
		if err != nil {
			return err
		}
		daemons, err := c.ProvisionerDaemons(ctx, o.ID.String(), f)
		if err != nil {
			return err
		}
		rows := make([]row, len(daemons))
		for i, d := range daemons {
			rows[i] = row{d, o.Name}
		}
		return out.Print(env, rows)
	})
	return cmd
}
