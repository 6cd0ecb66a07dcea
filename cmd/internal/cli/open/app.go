package open

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// sessionPlaceholder stands in the URL of an external app for a session of whoever
// opens it.
const sessionPlaceholder = "$SESSION_TOKEN"

func appCommand(env *cli.Env) *cobra.Command {
	var region string
	cmd := &cobra.Command{Use: "app <workspace> <app slug>", Short: "Open an application of a workspace",
		Args:    cli.Exactly("workspace", "app slug"),
		Example: "  coder open app ws code-server\n  coder open app ws.gpu notebook   of the agent gpu"}
	cmd.ValidArgsFunction = complete(env, func(a api.WorkspaceAgent) []string { return slugs(a) })
	cmd.Flags().StringVar(&region, "region", "primary", "through which region the application is reached")
	cli.Bind(cmd.Flags(), "region", "CODER_OPEN_APP_REGION")
	_ = cmd.RegisterFlagCompletionFunc("region", cobra.FixedCompletions([]string{"primary"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		ws, agent, err := find(ctx, env, c, args[0])
		if err != nil {
			return err
		}
		app, err := pick(ws, agent, args[1])
		if err != nil {
			return err
		}
		link, drop, err := appLink(ctx, c, ws, agent, app, region)
		if err != nil {
			return err
		}
		if drop != nil {
			return giveOnce(ctx, env, "Application "+cli.Inert(app.Slug), link, drop)
		}
		return give(ctx, env, "Application "+cli.Inert(app.Slug), link)
	})
	return cmd
}

func slugs(a api.WorkspaceAgent) []string {
	var out []string
	for _, app := range a.Apps {
		out = append(out, app.Slug)
	}
	return out
}

// pick returns the app with that slug, or says which there are.
func pick(ws api.Workspace, a api.WorkspaceAgent, slug string) (api.WorkspaceApp, error) {
	for _, app := range a.Apps {
		if app.Slug == slug {
			return app, nil
		}
	}
	have := "it has none"
	if names := slugs(a); len(names) > 0 {
		have = "it has " + cli.Inert(strings.Join(names, ", "))
	}
	return api.WorkspaceApp{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("Agent %s of workspace %s has no application %q; %s.",
		cli.Inert(a.Name), cli.Inert(ws.Name), cli.Inert(slug), have)}
}

// appLink is where an app is opened. drop is nil, or ends the session in the link.
func appLink(ctx context.Context, c *client.Client, ws api.Workspace, a api.WorkspaceAgent, app api.WorkspaceApp, region string) (link string, drop func(context.Context), err error) {
	if app.External {
		return externalLink(ctx, c, app)
	}
	below := "/@" + ws.OwnerName + "/" + ws.Name + "." + a.Name
	if app.Command != "" { // the terminal is a page of the deployment
		u := c.URL().JoinPath(below, "terminal")
		u.RawQuery = url.Values{"app": {app.Slug}}.Encode()
		return u.String(), nil, nil
	}
	r, err := findRegion(ctx, c, region)
	if err != nil {
		return "", nil, err
	}
	base, err := url.Parse(r.PathAppURL)
	if err != nil || base.Host == "" {
		return "", nil, fmt.Errorf("region %s has no usable URL: %q", cli.Inert(r.Name), cli.Inert(r.PathAppURL))
	}
	if app.Subdomain {
		if r.WildcardHostname == "" || app.SubdomainName == "" {
			return "", nil, api.Conflict(fmt.Sprintf("Application %s needs a host name of its own, and region %s has none to give. An administrator sets them with --wildcard-access-url.",
				cli.Inert(app.Slug), cli.Inert(r.Name)))
		}
		u := url.URL{Scheme: base.Scheme, Host: strings.Replace(r.WildcardHostname, "*", strings.ToLower(app.SubdomainName), 1), Path: "/"}
		return u.String(), nil, nil
	}
	return base.JoinPath(below, "apps", app.Slug, "/").String(), nil, nil
}

func findRegion(ctx context.Context, c *client.Client, name string) (api.DeploymentRegion, error) {
	all, err := c.Regions(ctx)
	if err != nil {
		return api.DeploymentRegion{}, err
	}
	var names []string
	for _, r := range all.Regions {
		if r.Name == name {
			return r, nil
		}
		names = append(names, cli.Inert(r.Name))
	}
	return api.DeploymentRegion{}, cli.Usage("region", fmt.Sprintf("There is no region %q; there are: %s.", cli.Inert(name), strings.Join(names, ", ")))
}

// externalLink is the URL that the template gives. Programs of this computer may
// take a session from it; web sites may not.
func externalLink(ctx context.Context, c *client.Client, app api.WorkspaceApp) (string, func(context.Context), error) {
	u, err := url.Parse(app.URL)
	refused := func(why string) error {
		return api.Conflict(fmt.Sprintf("The URL of application %s is not opened: %s: %s", cli.Inert(app.Slug), why, cli.Inert(app.URL)))
	}
	switch {
	case err != nil || u.Scheme == "" || cli.Inert(app.URL) != app.URL || strings.ContainsAny(app.URL, " \"'`<>\\"):
		return "", nil, refused("it is no URL with a scheme")
	case u.Scheme == "file" || u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript":
		return "", nil, refused("a template must not choose its scheme")
	case !strings.Contains(app.URL, sessionPlaceholder):
		return app.URL, nil, nil
	case u.Scheme == "http" || u.Scheme == "https":
		return "", nil, refused("it asks for a session of yours, for a web site")
	}
	k, err := c.CreateSessionKey(ctx)
	if err != nil {
		return "", nil, err
	}
	return strings.ReplaceAll(app.URL, sessionPlaceholder, k.Key.Reveal()), func(ctx context.Context) { expire(ctx, c, k.Key) }, nil
}

// expire ends a session that was made for a link. It is on its way out anyway when
// that does not work.
func expire(ctx context.Context, c *client.Client, key api.Secret) {
	id, _, _ := strings.Cut(key.Reveal(), "-")
	_ = c.ExpireKey(ctx, api.Me, id)
}
