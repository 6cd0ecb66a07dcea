package workspaces

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// signInPoll is how often the server is asked whether the user has signed in.
const signInPoll = 2 * time.Second

// signIn has the user sign in to what a version needs, and waits for it. Where
// nobody can be asked, or somebody else owns the workspace, the server's refusal
// says the same.
func signIn(ctx context.Context, env *cli.Env, c *client.Client, version, owner api.ID) error {
	if !env.Interactive() {
		return nil
	}
	missing, err := notSignedIn(ctx, c, version)
	if err != nil || len(missing) == 0 {
		return err
	}
	if !owner.IsZero() {
		me, err := c.User(ctx, api.Me)
		if err != nil || me.ID != owner {
			return err
		}
	}
	fmt.Fprintln(env.Stderr, "This template needs you to sign in. Open in a browser:")
	for _, a := range missing {
		fmt.Fprintf(env.Stderr, "  %s: %s\n", cli.Inert(a.DisplayName), cli.Inert(a.AuthenticateURL))
	}
	tick := env.Clock.NewTicker(signInPoll)
	defer tick.Stop()
	for len(missing) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if missing, err = notSignedIn(ctx, c, version); err != nil {
			return err
		}
	}
	fmt.Fprintln(env.Stderr, "Signed in.")
	return nil
}

// notSignedIn returns what a version needs and the caller has not signed in to.
func notSignedIn(ctx context.Context, c *client.Client, version api.ID) ([]api.TemplateVersionExternalAuth, error) {
	all, err := c.TemplateVersionExternalAuth(ctx, version)
	if api.CodeOf(err) == api.CodeNotFound {
		return nil, nil // what comes next will say so, if it matters
	}
	var out []api.TemplateVersionExternalAuth
	for _, a := range all {
		if !a.Optional && !a.Authenticated && a.AuthenticateURL != "" {
			out = append(out, a)
		}
	}
	return out, err
}
