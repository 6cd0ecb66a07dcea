package workspaces

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
	"coder.internal/cmd/internal/cli/progress"
)

type createFlags struct {
	buildFlags
	template, version, org, copyFrom, updates string
	stopAfter                                 time.Duration
	external                                  bool // only templates with external agents
}

// Create is `coder create`.
func Create(env *cli.Env) *cobra.Command { return createCommand(env, false) }

func createCommand(env *cli.Env, external bool) *cobra.Command {
	f := createFlags{updates: "never", external: external}
	cmd := &cobra.Command{Use: "create [workspace]", Short: "Make a workspace from a template", Args: cli.Optional("workspace"),
		Example: "  coder create my-workspace --template host\n  coder create alice/my-workspace --template host   for another user"}
	f.register(cmd, true)
	fs := cmd.Flags()
	fs.StringVarP(&f.template, "template", "t", "", "template to use")
	cli.Bind(fs, "template", "CODER_TEMPLATE_NAME")
	fs.StringVar(&f.version, "template-version", "", "version of the template instead of the active one")
	cli.Bind(fs, "template-version", "CODER_TEMPLATE_VERSION")
	fs.DurationVar(&f.stopAfter, "stop-after", 0, "stop the workspace this long after its start")
	cli.Bind(fs, "stop-after", "CODER_WORKSPACE_STOP_AFTER")
	cli.Enum(fs, &f.updates, "automatic-updates", "", "update to the active version at each start", "always", "never")
	cli.Bind(fs, "automatic-updates", "CODER_WORKSPACE_AUTOMATIC_UPDATES")
	fs.StringVar(&f.copyFrom, "copy-parameters-from", "", "take the parameter values of this workspace")
	cli.Bind(fs, "copy-parameters-from", "CODER_WORKSPACE_COPY_PARAMETERS_FROM")
	fs.BoolVar(&f.noWait, "no-wait", false, "return once the workspace is accepted")
	cli.Bind(fs, "no-wait", "CODER_CREATE_NO_WAIT")
	cli.Org(fs, &f.org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error { return create(ctx, env, f, args) })
	return cmd
}

func create(ctx context.Context, env *cli.Env, f createFlags, args []string) error {
	ref, err := f.name(ctx, env, args)
	if err != nil {
		return err
	}
	c, err := env.Client(ctx)
	if err != nil {
		return err
	}
	t, err := f.pick(ctx, env, c)
	if err != nil {
		return err
	}
	version := t.ActiveVersionID
	r := api.CreateWorkspaceRequest{Name: ref.Name, TemplateID: t.ID, AutomaticUpdates: f.updates}
	if f.version != "" {
		v, err := c.TemplateVersionByName(ctx, t.OrganizationID.String(), t.Name, f.version)
		if err != nil {
			return err
		}
		version, r.TemplateVersionID, r.TemplateID = v.ID, v.ID, api.ID{}
	}
	if f.external {
		if err := mustBeExternal(ctx, c, t, version); err != nil {
			return err
		}
	}
	if f.stopAfter > 0 {
		ms := f.stopAfter.Milliseconds()
		r.TTLMillis = &ms
	}
	if ref.Owner == api.Me {
		if err := signIn(ctx, env, c, version, api.ID{}); err != nil {
			return err
		}
	}
	preset, err := f.choosePreset(ctx, env, c, version, f.copyFrom == "")
	if err != nil {
		return err
	}
	r.PresetID = preset.ID
	if r.ParameterValues, err = f.values(ctx, env, c, t, version, ref.Owner, preset); err != nil {
		return err
	}
	saysQuota(ctx, env.Stderr, c, t.OrganizationID.String(), ref.Owner, version, 0)
	question := fmt.Sprintf("Create %s from template %s?", cli.Inert(ref.Name), cli.Inert(t.Name))
	if err := env.Confirm(ctx, f.yes, question); err != nil {
		return err
	}
	began := env.Clock.Now()
	w, err := c.CreateWorkspace(ctx, ref.Owner, r)
	if err != nil {
		return err
	}
	shown := w.Name
	if ref.Owner != api.Me {
		shown = w.OwnerName + "/" + w.Name
	}
	shown = cli.Inert(shown)
	if f.noWait {
		_, err := fmt.Fprintf(env.Stdout, "%s is being built. Follow it with: coder logs -f %s\n", shown, shown)
		return err
	}
	if _, err := progress.Own(ctx, env, c, w.LatestBuild, env.Stdout); err != nil {
		return fmt.Errorf("workspace %s exists, but its build did not succeed: %w", shown, err)
	}
	if f.external {
		if w, err = c.Workspace(ctx, w.ID); err != nil {
			return err
		}
		all, err := externalAgents(ctx, c, w, "")
		if err != nil {
			return err
		}
		return printInstructions(env.Stdout, all)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s is running. (%s) Open a shell with: coder ssh %s\n", shown,
		cli.Elapsed(env.Clock.Since(began)), shown)
	return err
}

func (f *createFlags) values(ctx context.Context, env *cli.Env, c *client.Client, t api.Template, version api.ID, owner string, preset api.Preset) ([]api.ParameterValue, error) {
	declared, err := c.TemplateVersionParameters(ctx, version)
	if err != nil {
		return nil, err
	}
	b := params.Build{Parameters: declared, Preset: presetValues(preset)}
	if !t.UseClassicParameterFlow {
		var id api.ID
		if owner != api.Me {
			u, err := c.User(ctx, owner)
			if err != nil {
				return nil, err
			}
			id = u.ID
		}
		b.Live = evaluate(c, version, id)
	}
	if f.copyFrom != "" {
		ref, err := cli.ParseWorkspace(f.copyFrom)
		if err != nil {
			return nil, err
		}
		src, err := c.WorkspaceByName(ctx, ref.Owner, ref.Name)
		if err != nil {
			return nil, err
		}
		if b.Copied, err = c.BuildParameters(ctx, src.LatestBuild.ID); err != nil {
			return nil, err
		}
	}
	return f.params.Resolve(ctx, env, b)
}

var workspaceName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$`)

func (f *createFlags) name(ctx context.Context, env *cli.Env, args []string) (cli.Workspace, error) {
	check := func(s string) error {
		ref, err := cli.ParseWorkspace(s)
		if err != nil {
			return err
		}
		if ref.Agent != "" || !workspaceName.MatchString(ref.Name) || ref.Name == "new" || ref.Name == "create" {
			return cli.Usage("name", fmt.Sprintf("%q cannot name a workspace: 1 to 32 letters, digits and hyphens, no hyphen at the ends; "+
				"\"new\" and \"create\" are taken.", cli.Inert(ref.Name)))
		}
		return nil
	}
	var text string
	if len(args) > 0 {
		text = args[0]
	} else if !env.Interactive() {
		return cli.Workspace{}, cli.Usage("workspace", "Give the name of the new workspace: coder create <name>")
	} else {
		var err error
		if text, err = env.Ask(ctx, cli.Question{Text: "Name of the workspace", Flag: "name", Validate: check}); err != nil {
			return cli.Workspace{}, err
		}
	}
	if err := check(text); err != nil {
		return cli.Workspace{}, err
	}
	return cli.ParseWorkspace(text)
}

// pick returns the template of the flag, the only one there is, or the one that
// the user picks.
func (f *createFlags) pick(ctx context.Context, env *cli.Env, c *client.Client) (api.Template, error) {
	org, err := env.OrgRef(f.org)
	if err != nil {
		return api.Template{}, err
	}
	if f.template != "" {
		t, err := c.TemplateByName(ctx, org, f.template)
		if api.CodeOf(err) == api.CodeNotFound {
			err = &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf(
				"There is no template %s, or you have no access to it. See: coder templates list", cli.Inert(f.template))}
		}
		return t, err
	}
	list, err := c.OrganizationTemplates(ctx, org)
	if err != nil {
		return api.Template{}, err
	}
	if len(list) == 0 {
		return api.Template{}, &api.Error{Code: api.CodeNotFound,
			Message: "There are no templates yet. Make one with: coder templates init && coder templates push"}
	}
	if len(list) == 1 && !env.Interactive() {
		return list[0], nil
	}
	choices := make([]cli.Choice, len(list))
	for i, t := range list {
		choices[i] = cli.Choice{Name: t.Name, Description: t.Description, Value: t.ID.String()}
	}
	id, err := env.Select(ctx, "Template", "template", "", choices)
	if err != nil {
		return api.Template{}, err
	}
	for _, t := range list {
		if t.ID.String() == id {
			return t, nil
		}
	}
	return api.Template{}, fmt.Errorf("template %s vanished", id)
}
