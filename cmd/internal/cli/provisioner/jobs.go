package provisioner

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/progress"
)

func jobs(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "jobs", Aliases: []string{"job"}, Short: "Manage provisioner jobs"},
		listJobs(env), cancelJob(env))
}

// jobRow is a job with the name of its organization.
type jobRow struct {
	api.ProvisionerJob
	OrganizationName string `json:"organization_name"`
}

func (r jobRow) meta() api.ProvisionerJobMetadata {
	if r.Metadata == nil {
		return api.ProvisionerJobMetadata{}
	}
	return *r.Metadata
}

func at(t *time.Time) string {
	if t == nil {
		return ""
	}
	return cli.Time(*t)
}

func idOf(id *api.ID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// queue is the place of a waiting job.
func queue(r jobRow) string {
	switch {
	case r.QueuePosition == 0:
		return ""
	case r.QueueNote != "":
		return fmt.Sprintf("%d/%d, no provisioner", r.QueuePosition, r.QueueSize)
	case r.QueueEstimateMillis != nil:
		return fmt.Sprintf("%d/%d, %s", r.QueuePosition, r.QueueSize, progress.About(*r.QueueEstimateMillis))
	}
	return fmt.Sprintf("%d/%d", r.QueuePosition, r.QueueSize)
}

func jobOutput() *cli.Output[jobRow] {
	col := func(name string, value func(jobRow) string) cli.Column[jobRow] {
		return cli.Column[jobRow]{Name: name, Value: value}
	}
	return &cli.Output[jobRow]{
		Columns: []cli.Column[jobRow]{
			col("id", func(r jobRow) string { return r.ID.String() }),
			col("created at", func(r jobRow) string { return cli.Time(r.CreatedAt) }),
			col("started at", func(r jobRow) string { return at(r.StartedAt) }),
			col("completed at", func(r jobRow) string { return at(r.CompletedAt) }),
			col("canceled at", func(r jobRow) string { return at(r.CanceledAt) }),
			col("error", func(r jobRow) string { return r.Error }),
			col("error code", func(r jobRow) string { return r.ErrorCode }),
			col("status", func(r jobRow) string { return string(r.Status) }),
			col("worker id", func(r jobRow) string { return idOf(r.WorkerID) }),
			col("worker name", func(r jobRow) string { return r.WorkerName }),
			col("file id", func(r jobRow) string { return r.FileID.String() }),
			col("tags", func(r jobRow) string { return showTags(r.Tags) }),
			col("queue position", func(r jobRow) string { return count(r.QueuePosition) }),
			col("queue size", func(r jobRow) string { return count(r.QueueSize) }),
			col("organization id", func(r jobRow) string { return r.OrganizationID.String() }),
			col("initiator id", func(r jobRow) string { return r.InitiatorID.String() }),
			col("template version id", func(r jobRow) string { return idOf(r.Input.TemplateVersionID) }),
			col("workspace build id", func(r jobRow) string { return idOf(r.Input.WorkspaceBuildID) }),
			col("type", func(r jobRow) string { return string(r.Type) }),
			col("available workers", func(r jobRow) string { return workers(r.AvailableWorkers) }),
			col("template version name", func(r jobRow) string { return r.meta().TemplateVersionName }),
			col("template id", func(r jobRow) string { return idOf(r.meta().TemplateID) }),
			col("template name", func(r jobRow) string { return r.meta().TemplateName }),
			col("template display name", func(r jobRow) string { return display(r.meta()) }),
			col("template icon", func(r jobRow) string { return r.meta().TemplateIcon }),
			col("workspace id", func(r jobRow) string { return idOf(r.meta().WorkspaceID) }),
			col("workspace name", func(r jobRow) string { return r.meta().WorkspaceName }),
			col("workspace build transition", func(r jobRow) string { return string(r.meta().WorkspaceBuildTransition) }),
			col("logs overflowed", func(r jobRow) string { return strconv.FormatBool(r.LogsOverflowed) }),
			col("organization", func(r jobRow) string { return r.OrganizationName }),
			col("queue", queue),
		},
		Default: []string{"created at", "id", "type", "template display name", "status", "queue", "tags"},
		Empty:   "No provisioner jobs match.",
	}
}

func workers(ids []api.ID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return strings.Join(out, " ")
}

func display(m api.ProvisionerJobMetadata) string {
	if m.TemplateDisplayName != "" {
		return m.TemplateDisplayName
	}
	return m.TemplateName
}

func listJobs(env *cli.Env) *cobra.Command {
	out := jobOutput()
	var f client.JobsFilter
	var org string
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List provisioner jobs, newest first", Args: cli.Exactly()}
	fs := cmd.Flags()
	cli.List(fs, &f.Status, "status", "s", "only jobs that are pending, running, succeeded, canceling, canceled, failed or unknown")
	cli.Bind(fs, "status", "CODER_PROVISIONER_JOB_LIST_STATUS")
	fs.IntVarP(&f.Limit, "limit", "l", 50, "most jobs to show")
	cli.Bind(fs, "limit", "CODER_PROVISIONER_JOB_LIST_LIMIT")
	fs.StringVarP(&f.Initiator, "initiator", "i", "", "only jobs that this user started: a name, an id or me")
	cli.Bind(fs, "initiator", "CODER_PROVISIONER_JOB_LIST_INITIATOR")
	cli.Org(fs, &org)
	out.Flags(fs)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, o, err := signedIn(ctx, env, org)
		if err != nil {
			return err
		}
		list, err := c.ProvisionerJobs(ctx, o.ID.String(), f)
		if err != nil {
			return err
		}
		rows := make([]jobRow, len(list))
		for i, j := range list {
			rows[i] = jobRow{j, o.Name}
		}
		return out.Print(env, rows)
	})
	return cmd
}

func cancelJob(env *cli.Env) *cobra.Command {
	var org string
	cmd := &cobra.Command{Use: "cancel <job_id>", Short: "Ask a job to stop", Args: cli.Exactly("job_id")}
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		id, err := api.ParseID(args[0])
		if err != nil {
			return cli.Usage("job_id", "must be the id of a job; see: coder provisioner jobs list")
		}
		c, o, err := signedIn(ctx, env, org)
		if err != nil {
			return err
		}
		job, err := c.ProvisionerJob(ctx, o.ID.String(), id)
		if err != nil {
			return err
		}
		// What the job is for decides who may cancel it.
		switch {
		case job.Input.WorkspaceBuildID != nil:
			err = c.CancelBuild(ctx, *job.Input.WorkspaceBuildID)
		case job.Type == api.JobTemplateVersionDryRun && job.Input.TemplateVersionID != nil:
			err = c.CancelDryRun(ctx, *job.Input.TemplateVersionID, id)
		case job.Input.TemplateVersionID != nil:
			err = c.CancelTemplateVersion(ctx, *job.Input.TemplateVersionID)
		default:
			err = &api.Error{Code: api.CodeUnsupported, Message: "A job of the type " + string(job.Type) + " cannot be canceled from here."}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(env.Stdout, "The job was asked to stop.")
		return err
	})
	return cmd
}
