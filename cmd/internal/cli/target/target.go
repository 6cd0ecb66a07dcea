// Package target turns a workspace argument into an agent that can be reached:
// it finds the workspace, starts it where that is wanted, and waits for the
// agent while saying why. It never opens a tunnel itself.
package target

import (
	"context"
	"fmt"
	"io"
	"strings"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/progress"
)

// Find returns the workspace that ref names, in one request.
func Find(ctx context.Context, c *client.Client, ref cli.Workspace) (api.Workspace, error) {
	w, err := c.WorkspaceByName(ctx, ref.Owner, ref.Name)
	if api.CodeOf(err) == api.CodeNotFound {
		name := ref.Name
		if ref.Owner != api.Me {
			name = ref.Owner + "/" + ref.Name
		}
		err = &api.Error{Code: api.CodeNotFound,
			Message: fmt.Sprintf("There is no workspace %s, or you have no access to it. See: coder list", cli.Inert(name))}
	}
	return w, err
}

// Agent returns the agent of that name, or the only one where name is "".
func Agent(w api.Workspace, name string) (api.WorkspaceAgent, error) {
	var names []string
	var found []api.WorkspaceAgent
	for _, r := range w.LatestBuild.Resources {
		for _, a := range r.Agents {
			names = append(names, cli.Inert(a.Name))
			if name == a.Name || name == "" {
				found = append(found, a)
			}
		}
	}
	switch {
	case len(names) == 0:
		return api.WorkspaceAgent{}, &api.Error{Code: api.CodeNotFound,
			Message: fmt.Sprintf("Workspace %s has no agent, so nothing can connect to it. Its template has no coder_agent.", cli.Inert(w.Name))}
	case len(found) == 1:
		return found[0], nil
	case name == "":
		return api.WorkspaceAgent{}, cli.Usage("workspace", fmt.Sprintf("Workspace %s has several agents (%s); name one: %s.%s",
			cli.Inert(w.Name), strings.Join(names, ", "), cli.Inert(w.Name), names[0]))
	}
	return api.WorkspaceAgent{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf(
		"Workspace %s has no agent %q; it has %s.", cli.Inert(w.Name), cli.Inert(name), strings.Join(names, ", "))}
}

// Start makes sure that the latest build is a start that succeeded. It follows
// a build that is under way and makes one for a stopped workspace if autostart
// is set. Progress goes to w. It returns the workspace as it is then.
func Start(ctx context.Context, env *cli.Env, c *client.Client, ws api.Workspace, autostart bool, w io.Writer) (api.Workspace, error) {
	for range 3 { // a stop under way, then our start, then the look at it
		b := ws.LatestBuild
		switch {
		case b.Status == api.WorkspaceRunning:
			return ws, nil
		case !b.Job.Status.Done():
			fmt.Fprintf(w, "Workspace %s is %s.\n", cli.Inert(ws.Name), b.Status)
			if _, err := progress.Build(ctx, env, c, b, w); err != nil {
				return ws, err
			}
		case b.Transition == api.TransitionDelete && b.Status == api.WorkspaceDeleted:
			return ws, api.Conflict("Workspace " + cli.Inert(ws.Name) + " was deleted.")
		case b.Status == api.WorkspaceStopped && autostart:
			fmt.Fprintf(w, "Workspace %s is stopped. Starting it.\n", cli.Inert(ws.Name))
			r := api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, Reason: "ssh_connection"}
			if ws.TemplateRequireActive {
				r.TemplateVersionID = ws.TemplateActiveVersionID
			}
			started, err := c.CreateBuild(ctx, ws.ID, r)
			if err == nil {
				_, err = progress.Build(ctx, env, c, started, w)
			}
			// A conflict is somebody else's build, or ours that failed: the next
			// look tells which.
			if err != nil && api.CodeOf(err) != api.CodeConflict {
				return ws, err
			}
		case b.Status == api.WorkspaceStopped:
			return ws, api.Conflict(fmt.Sprintf("Workspace %s is stopped. Start it with: coder start %s", cli.Inert(ws.Name), cli.Inert(ws.Name)))
		default:
			return ws, &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf("The last build of workspace %s is %s; it cannot be reached. See: coder logs %s, then try: coder start %s",
				cli.Inert(ws.Name), b.Status, cli.Inert(ws.Name), cli.Inert(ws.Name)), Detail: b.Job.Error}
		}
		var err error
		if ws, err = c.Workspace(ctx, ws.ID); err != nil {
			return ws, err
		}
	}
	return ws, api.Conflict(fmt.Sprintf("Workspace %s is not running; somebody else seems to stop it.", cli.Inert(ws.Name)))
}
