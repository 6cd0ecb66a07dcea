package workspaces

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
	"coder.internal/cmd/internal/cli/progress"
)

// reasonCLI tells the server who asked for a build.
const reasonCLI = "cli"

// buildFlags are the flags of commands that start a build.
type buildFlags struct {
	params params.Flags
	yes    bool
	noWait bool
	debug  bool
	reason string
	preset string
	// allowLoss confirms that what a stop keeps may be destroyed.
	allowLoss bool
}

func (f *buildFlags) register(cmd *cobra.Command, yes bool) {
	fs := cmd.Flags()
	f.params.Register(fs)
	fs.StringVar(&f.preset, "preset", "", `preset of the template to take parameter values from; "none" for none`)
	cli.Bind(fs, "preset", "CODER_PRESET_NAME")
	if yes {
		cli.Yes(fs, &f.yes)
	}
	fs.BoolVar(&f.allowLoss, allowFlag, false, "build also when that destroys resources that a stop keeps")
	fs.BoolVar(&f.debug, "provisioner-log-debug", false, "let Terraform log more")
	fs.StringVar(&f.reason, "reason", reasonCLI, "why the build is made")
	_ = fs.MarkHidden("provisioner-log-debug")
	_ = fs.MarkHidden("reason")
}

func (f *buildFlags) logLevel() string {
	if f.debug {
		return "debug"
	}
	return ""
}

// Start is `coder start`.
func Start(env *cli.Env) *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{Use: "start <workspace>", Short: "Start a workspace", Args: cli.Exactly("workspace")}
	f.register(cmd, true)
	cmd.Flags().BoolVar(&f.noWait, "no-wait", false, "return once the build is accepted")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		switch w.LatestBuild.Status {
		case api.WorkspaceRunning:
			_, err := fmt.Fprintf(env.Stdout, "%s is running already.\n", cli.Inert(w.Name))
			return err
		case api.WorkspaceStarting, api.WorkspacePending:
			if f.noWait {
				_, err := fmt.Fprintf(env.Stdout, "%s is starting already.\n", cli.Inert(w.Name))
				return err
			}
			if w.LatestBuild.Transition == api.TransitionStart {
				return follow(ctx, env, c, w, w.LatestBuild, progress.Build) // not ours to cancel
			}
		}
		return f.start(ctx, env, c, w, w.LatestBuild.TemplateVersionID)
	})
	return cmd
}

// start builds w with version, asking for parameters where that is needed.
func (f *buildFlags) start(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, version api.ID) error {
	r, err := f.prepare(ctx, env, c, w, version)
	if err != nil {
		return err
	}
	return f.submit(ctx, env, c, w, r)
}

// prepare decides everything about a start, so that a command which stops the
// workspace first asks and refuses before it does.
func (f *buildFlags) prepare(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, version api.ID) (api.CreateWorkspaceBuildRequest, error) {
	if w.TemplateRequireActive {
		version = w.TemplateActiveVersionID
	}
	r := api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, LogLevel: f.logLevel(), Reason: f.reason}
	if version != w.LatestBuild.TemplateVersionID {
		r.TemplateVersionID = version
	}
	if err := signIn(ctx, env, c, version, w.OwnerID); err != nil {
		return r, err
	}
	preset, err := f.choosePreset(ctx, env, c, version, false)
	if err != nil {
		return r, err
	}
	r.PresetID = preset.ID
	if f.params.Given() || !r.TemplateVersionID.IsZero() || !preset.ID.IsZero() {
		if r.ParameterValues, err = f.values(ctx, env, c, w, version, preset); err != nil {
			return r, err
		}
	}
	saysQuota(ctx, env.Stderr, c, w.OrganizationID.String(), w.OwnerID.String(), version, w.LatestBuild.DailyCost)
	err = f.confirmLoss(ctx, env, c, w, &r)
	return r, err
}

// values decides the parameter values of the next build of w.
func (f *buildFlags) values(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, version api.ID, preset api.Preset) ([]api.ParameterValue, error) {
	previous, err := c.BuildParameters(ctx, w.LatestBuild.ID)
	if err != nil {
		return nil, err
	}
	if previous == nil {
		previous = []api.ParameterValue{}
	}
	declared, err := c.TemplateVersionParameters(ctx, version)
	if err != nil {
		return nil, err
	}
	b := params.Build{Parameters: declared, Previous: previous, Preset: presetValues(preset)}
	if !w.TemplateClassicParameters {
		b.Live = evaluate(c, version, w.OwnerID)
	}
	return f.params.Resolve(ctx, env, b)
}

// submit asks for the build that prepare made ready and follows it.
func (f *buildFlags) submit(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, r api.CreateWorkspaceBuildRequest) error {
	b, err := c.CreateBuild(ctx, w.ID, r)
	if err != nil {
		return err
	}
	if f.noWait {
		_, err := fmt.Fprintf(env.Stdout, "%s is starting. Follow it with: coder logs -f %s\n", cli.Inert(w.Name), cli.Inert(w.Name))
		return err
	}
	return follow(ctx, env, c, w, b, progress.Own)
}

// showing is progress.Build or progress.Own.
type showing func(context.Context, *cli.Env, *client.Client, api.WorkspaceBuild, io.Writer) (api.WorkspaceBuild, error)

// evaluate asks the server what parameters a version has; a zero owner is the
// caller.
func evaluate(c *client.Client, version, owner api.ID) params.Evaluate {
	return func(ctx context.Context, inputs map[string]string) (api.DynamicParametersResponse, error) {
		return c.EvaluateParameters(ctx, version, api.DynamicParametersRequest{Inputs: inputs, OwnerID: owner})
	}
}

// follow shows a build and says how it ended.
func follow(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, b api.WorkspaceBuild, show showing) error {
	began := env.Clock.Now()
	if _, err := show(ctx, env, c, b, env.Stdout); err != nil {
		return err
	}
	past := map[api.Transition]string{api.TransitionStart: "is running", api.TransitionStop: "is stopped",
		api.TransitionDelete: "was deleted"}[b.Transition]
	_, err := fmt.Fprintf(env.Stdout, "%s %s. (%s)\n", cli.Inert(w.Name), past, cli.Elapsed(env.Clock.Since(began)))
	return err
}

// Stop is `coder stop`.
func Stop(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "stop <workspace>", Short: "Stop a workspace", Args: cli.Exactly("workspace")}
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		if w.LatestBuild.Status == api.WorkspaceStopped {
			_, err := fmt.Fprintf(env.Stdout, "%s is stopped already.\n", cli.Inert(w.Name))
			return err
		}
		saysStop(env.Stdout, w)
		if err := env.Confirm(ctx, yes, "Stop "+cli.Inert(w.Name)+"?"); err != nil {
			return err
		}
		return transition(ctx, env, c, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop, Reason: reasonCLI})
	})
	return cmd
}

func transition(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, r api.CreateWorkspaceBuildRequest) error {
	b, err := c.CreateBuild(ctx, w.ID, r)
	if err != nil {
		return err
	}
	return follow(ctx, env, c, w, b, progress.Own)
}

// Restart is `coder restart`.
func Restart(env *cli.Env) *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{Use: "restart <workspace>", Short: "Stop a workspace and start it again", Args: cli.Exactly("workspace")}
	f.register(cmd, true)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		r, err := f.prepare(ctx, env, c, w, w.LatestBuild.TemplateVersionID) // a wrong value must not end in a stop
		if err != nil {
			return err
		}
		saysStop(env.Stdout, w)
		if err := env.Confirm(ctx, f.yes, "Restart "+cli.Inert(w.Name)+"?"); err != nil {
			return err
		}
		if w.LatestBuild.Status != api.WorkspaceStopped {
			stop := api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop, Reason: f.reason}
			if err := transition(ctx, env, c, w, stop); err != nil {
				return err
			}
		}
		return f.submit(ctx, env, c, w, r)
	})
	return cmd
}

// Update is `coder update`.
func Update(env *cli.Env) *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{Use: "update <workspace>", Short: "Build a workspace with the template's active version", Args: cli.Exactly("workspace")}
	f.register(cmd, false)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		if !w.Outdated && !f.params.Given() && (f.preset == "" || f.preset == noPreset) {
			_, err := fmt.Fprintf(env.Stdout, "%s is up to date.\n", cli.Inert(w.Name))
			return err
		}
		r, err := f.prepare(ctx, env, c, w, w.TemplateActiveVersionID)
		if err != nil {
			return err
		}
		if w.LatestBuild.Status == api.WorkspaceRunning {
			saysStop(env.Stdout, w)
			// What the old version made is stopped with the old version.
			stop := api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop, Reason: f.reason}
			if err := transition(ctx, env, c, w, stop); err != nil {
				return err
			}
		}
		return f.submit(ctx, env, c, w, r)
	})
	return cmd
}

// Rename is `coder rename`.
func Rename(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "rename <workspace> <new name>", Short: "Give a workspace another name", Args: cli.Exactly("workspace", "new name")}
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		if !yes {
			fmt.Fprintln(env.Stderr, "A template may name resources after the workspace; a new name can then destroy them at the next build.")
		}
		if err := env.Confirm(ctx, yes, fmt.Sprintf("Rename %s to %s?", cli.Inert(w.Name), cli.Inert(args[1]))); err != nil {
			return err
		}
		if err := c.RenameWorkspace(ctx, w.ID, args[1]); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "%s is now %s.\n", cli.Inert(w.Name), cli.Inert(args[1]))
		return err
	})
	return cmd
}
