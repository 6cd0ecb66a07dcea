// Package progress follows provisioner jobs and shows them: one line per stage
// with the time it took, and Terraform's own words when something goes wrong.
//
// It only reads. On a terminal the line of the running stage is rewritten once
// it is over; anywhere else each line is written once, when its stage ends.
package progress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// maxErrorLines bounds how many error lines are shown.
const maxErrorLines = 200

// Build follows a build to its end, writes its stages to w and returns it. A
// build that did not succeed is an error with Terraform's text.
func Build(ctx context.Context, env *cli.Env, c *client.Client, b api.WorkspaceBuild, w io.Writer) (api.WorkspaceBuild, error) {
	f := follower{env: env, w: w, live: env.Live(w)}
	f.queued(b.Job)
	err := c.FollowBuildLogs(ctx, b.ID, 0, f.line)
	if err != nil {
		f.clear()
		return b, f.interrupted(ctx, err, "coder logs -f "+b.WorkspaceOwnerName+"/"+b.WorkspaceName)
	}
	err = untilDone(ctx, env, func() (api.ProvisionerJob, error) {
		var err error
		b, err = c.Build(ctx, b.ID)
		return b.Job, err
	})
	if err != nil {
		f.clear()
		return b, err
	}
	return b, f.finish(b.Job, "The build")
}

// Import follows the import of a template version likewise.
func Import(ctx context.Context, env *cli.Env, c *client.Client, v api.TemplateVersion, w io.Writer) (api.TemplateVersion, error) {
	f := follower{env: env, w: w, live: env.Live(w)}
	f.queued(v.Job)
	if err := c.FollowTemplateVersionLogs(ctx, v.ID, 0, f.line); err != nil {
		f.clear()
		return v, f.interrupted(ctx, err, "coder templates versions list")
	}
	err := untilDone(ctx, env, func() (api.ProvisionerJob, error) {
		var err error
		v, err = c.TemplateVersion(ctx, v.ID)
		return v.Job, err
	})
	if err != nil {
		f.clear()
		return v, err
	}
	return v, f.finish(v.Job, "The import")
}

// untilDone asks for the job until it is done. The log stream ends after the
// job, so that one question is enough unless a server was lost in between.
func untilDone(ctx context.Context, env *cli.Env, ask func() (api.ProvisionerJob, error)) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		job, err := ask()
		if err != nil || job.Status.Done() {
			return err
		}
		t := env.Clock.NewTimer(wait, "progress", "poll")
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

type follower struct {
	env   *cli.Env
	w     io.Writer
	live  bool
	stage string
	since time.Time
	errs  []string
}

// queued says what a waiting job waits for. A job that is next, with a daemon that
// is free, starts at once and needs no words.
func (f *follower) queued(j api.ProvisionerJob) {
	switch {
	case j.Status != api.JobPending || j.QueuePosition == 0:
	case j.QueueNote != "":
		fmt.Fprintln(f.w, cli.Inert(j.QueueNote))
	case j.QueueEstimateMillis == nil:
		fmt.Fprintf(f.w, "Position %d of %d in the queue\n", j.QueuePosition, j.QueueSize)
	case *j.QueueEstimateMillis > 0:
		fmt.Fprintf(f.w, "Position %d of %d in the queue, %s\n", j.QueuePosition, j.QueueSize, About(*j.QueueEstimateMillis))
	}
}

// About words an estimate in milliseconds: about 12 s, about 4 min.
func About(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d < 90*time.Second {
		return fmt.Sprintf("about %d s", max(1, int(d.Seconds()+0.5)))
	}
	return fmt.Sprintf("about %d min", int(d.Minutes()+0.5))
}

// line takes one log line.
func (f *follower) line(l api.ProvisionerJobLog) error {
	if l.Stage != "" && l.Stage != f.stage {
		f.end("✓", l.CreatedAt)
		f.stage, f.since = l.Stage, l.CreatedAt
		if f.live {
			fmt.Fprintf(f.w, "… %s", cli.Inert(f.stage))
		}
	}
	for text := range strings.SplitSeq(l.Output, "\n") {
		f.text(l.Level, cli.Inert(strings.TrimRight(text, "\r")))
	}
	return nil
}

// text takes one line of the output of a log line, which may have several.
func (f *follower) text(level api.LogLevel, text string) {
	switch {
	case strings.TrimSpace(text) == "":
	case level == api.LogError:
		if len(f.errs) < maxErrorLines {
			f.errs = append(f.errs, text)
		}
	case level == api.LogWarn || f.env.Global.Verbose:
		f.clear()
		fmt.Fprintf(f.w, "  %s\n", text)
		if f.live {
			fmt.Fprintf(f.w, "… %s", cli.Inert(f.stage))
		}
	}
}

// end writes the line of the stage that is over.
func (f *follower) end(mark string, at time.Time) {
	if f.stage == "" {
		return
	}
	f.clear()
	fmt.Fprintf(f.w, "%s %-44s %s\n", mark, cli.Inert(f.stage), cli.Elapsed(at.Sub(f.since)))
	f.stage = ""
}

// clear removes the line of the running stage from a terminal.
func (f *follower) clear() {
	if f.live && f.stage != "" {
		fmt.Fprint(f.w, "\r\x1b[K")
	}
}

func (f *follower) finish(j api.ProvisionerJob, what string) error {
	end := f.since
	if j.CompletedAt != nil {
		end = *j.CompletedAt
	}
	if j.Status == api.JobSucceeded {
		f.end("✓", end)
		return nil
	}
	f.end("✗", end)
	for _, l := range f.errs {
		if !strings.Contains(j.Error, strings.TrimSpace(l)) {
			fmt.Fprintf(f.w, "  %s\n", l)
		}
	}
	if j.Status == api.JobCanceled {
		return &api.Error{Code: api.CodeConflict, Message: what + " was canceled."}
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(j.Error), "\n")
	if first == "" {
		first = "no cause was recorded"
	}
	return &api.Error{Code: api.CodeConflict, Message: what + " failed: " + first, Detail: rest}
}

func (f *follower) interrupted(ctx context.Context, err error, see string) error {
	if ctx.Err() != nil {
		fmt.Fprintf(f.env.Stderr, "It goes on without this command. To see it: %s\n", cli.Inert(see))
		return ctx.Err()
	}
	return errors.Join(err, errors.New("it goes on without this command; to see it: "+see))
}
