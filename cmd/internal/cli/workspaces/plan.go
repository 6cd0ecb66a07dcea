package workspaces

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/progress"
)

// allowFlag confirms the loss of what a stop keeps.
const allowFlag = "allow-destroy-persistent"

// fate splits the resources of a running workspace by what a stop does to them.
func fate(w api.Workspace) (goes, stays []string) {
	for _, r := range w.LatestBuild.Resources {
		switch {
		case r.Address == "", strings.HasPrefix(r.Type, "coder_"):
		case r.Persistent:
			stays = append(stays, r.Address)
		default:
			goes = append(goes, r.Address)
		}
	}
	return goes, stays
}

// saysStop tells what a stop destroys and keeps, from what the server knows; with
// nothing to tell, nothing.
func saysStop(out io.Writer, w api.Workspace) {
	goes, stays := fate(w)
	if len(goes)+len(stays) == 0 || w.LatestBuild.Transition != api.TransitionStart {
		return
	}
	text := "Stopping destroys " + enumerate(goes) + " and keeps " + enumerate(stays) + "."
	switch {
	case len(goes) == 0:
		text = "Stopping keeps " + enumerate(stays) + " and destroys nothing."
	case len(stays) == 0:
		text = "Stopping destroys " + enumerate(goes) + " and keeps nothing."
	}
	fmt.Fprintln(out, text)
}

// maxNamed bounds how many resources one sentence names.
const maxNamed = 5

// enumerate is "a", "a and b", "a, b and c", or five of them and a number.
func enumerate(names []string) string {
	shown := make([]string, 0, maxNamed+1)
	for i, n := range names {
		if i == maxNamed {
			shown = append(shown, fmt.Sprintf("%d more", len(names)-maxNamed))
			break
		}
		shown = append(shown, cli.Inert(n))
	}
	if len(shown) < 2 {
		return strings.Join(shown, "")
	}
	return strings.Join(shown[:len(shown)-1], ", ") + " and " + shown[len(shown)-1]
}

// confirmLoss plans a start that changes the version or a parameter of a
// workspace with resources that a stop keeps. Where some of them would be lost it
// says so and asks; --yes is no answer to that.
func (f *buildFlags) confirmLoss(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, r *api.CreateWorkspaceBuildRequest) error {
	r.AllowDestroyPersistent = f.allowLoss
	_, stays := fate(w)
	if f.allowLoss || len(stays) == 0 || r.TemplateVersionID.IsZero() && len(r.ParameterValues) == 0 {
		return nil
	}
	p, err := c.PlanWorkspace(ctx, w.ID, api.PlanWorkspaceRequest{Transition: r.Transition,
		TemplateVersionID: r.TemplateVersionID, ParameterValues: r.ParameterValues, PresetID: r.PresetID})
	if err != nil {
		return fmt.Errorf("plan the build: %w", err)
	}
	if p, err = progress.Plan(ctx, env, c, w.ID, p, env.Stdout); err != nil {
		return err
	}
	lost := slices.DeleteFunc(p.Changes, func(ch api.ResourceChange) bool {
		return !ch.Persistent || ch.Action != api.ResourceDelete && ch.Action != api.ResourceReplace
	})
	if len(lost) == 0 {
		return nil
	}
	fmt.Fprintf(env.Stderr, "This build destroys what a stop of %s keeps:\n", cli.Inert(w.Name))
	for _, ch := range lost {
		fmt.Fprintln(env.Stderr, "  "+loss(ch))
	}
	if !env.Interactive() {
		return &api.Error{Code: api.CodeInvalid, Message: "Nothing was changed. To build all the same and lose what is in these resources, add --" + allowFlag + "."}
	}
	if err := env.Confirm(ctx, false, "Build all the same and lose what is in them?"); err != nil {
		return err
	}
	r.AllowDestroyPersistent = true
	return nil
}

func loss(c api.ResourceChange) string {
	text := cli.Inert(c.Address) + " is destroyed"
	if c.Action == api.ResourceReplace {
		text += " and made anew"
	}
	if len(c.Reasons) > 0 {
		text += ", because of a change of " + enumerate(c.Reasons)
	}
	return text
}
