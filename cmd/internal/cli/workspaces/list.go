// Package workspaces holds the commands about workspaces: create, start, stop,
// restart, update, delete, rename, list, show, logs. Following a build is
// package progress, values of parameters are package params; this package knows
// which calls make up a command and what it says.
package workspaces

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// find returns the workspace that an argument names, in one request.
func find(ctx context.Context, env *cli.Env, arg string) (*client.Client, api.Workspace, error) {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return nil, api.Workspace{}, err
	}
	c, err := env.Client(ctx)
	if err != nil {
		return nil, api.Workspace{}, err
	}
	w, err := c.WorkspaceByName(ctx, ref.Owner, ref.Name)
	if api.CodeOf(err) == api.CodeNotFound {
		err = &api.Error{Code: api.CodeNotFound,
			Message: fmt.Sprintf("There is no workspace %s, or you have no access to it. See: coder list", cli.Inert(arg))}
	}
	return c, w, err
}

func columns(env *cli.Env) []cli.Column[api.Workspace] {
	type col = cli.Column[api.Workspace]
	return []col{
		{Name: "favorite", Value: func(w api.Workspace) string { return strconv.FormatBool(w.Favorite) }},
		{Name: "workspace", Value: func(w api.Workspace) string { return w.OwnerName + "/" + w.Name }},
		{Name: "organization id", Value: func(w api.Workspace) string { return w.OrganizationID.String() }},
		{Name: "organization name", Value: func(w api.Workspace) string { return w.OrganizationName }},
		{Name: "template", Value: func(w api.Workspace) string { return w.TemplateName }},
		{Name: "status", Value: func(w api.Workspace) string { return title(string(w.LatestBuild.Status)) }},
		{Name: "healthy", Value: healthy},
		{Name: "last built", Value: func(w api.Workspace) string { return env.Ago(w.LatestBuild.CreatedAt) }},
		{Name: "current version", Value: func(w api.Workspace) string { return w.LatestBuild.TemplateVersionName }},
		{Name: "outdated", Value: func(w api.Workspace) string { return strconv.FormatBool(w.Outdated) }},
		{Name: "starts at", Value: func(w api.Workspace) string { return deref(w.AutostartSchedule) }},
		{Name: "starts next", Value: func(w api.Workspace) string { return "" }},
		{Name: "stops after", Value: stopsAfter},
		{Name: "stops next", Value: func(w api.Workspace) string { return stopsNext(env, w) }},
		{Name: "daily cost", Value: func(w api.Workspace) string { return strconv.Itoa(w.LatestBuild.DailyCost) }},
	}
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// healthy is empty where health says nothing: the workspace is not running.
func healthy(w api.Workspace) string {
	if w.LatestBuild.Status != api.WorkspaceRunning {
		return ""
	}
	return strconv.FormatBool(w.Health.Healthy)
}

func stopsAfter(w api.Workspace) string {
	if w.TTLMillis == nil || *w.TTLMillis == 0 {
		return ""
	}
	return (time.Duration(*w.TTLMillis) * time.Millisecond).String()
}

func stopsNext(env *cli.Env, w api.Workspace) string {
	if w.LatestBuild.Deadline == nil || w.LatestBuild.Deadline.IsZero() {
		return ""
	}
	return env.Ago(*w.LatestBuild.Deadline)
}

// pageSize is how many workspaces are asked for at a time.
const pageSize = 100

// List is `coder list`.
func List(env *cli.Env) *cobra.Command { return listCommand(env, false) }

func listCommand(env *cli.Env, external bool) *cobra.Command {
	out := cli.Output[api.Workspace]{Columns: columns(env),
		Default: []string{"workspace", "template", "status", "healthy", "last built", "current version", "outdated", "starts at", "stops after"},
		Empty:   "No workspaces match. Make one with: coder create <name>"}
	var all bool
	search := "owner:me"
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List workspaces", Args: cli.Exactly()}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "workspaces of everybody")
	cmd.Flags().StringVar(&search, "search", search, "search, such as owner:me, template:name, status:running, or words")
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		if all && search == "owner:me" {
			search = ""
		}
		rows, err := everything(ctx, c, search)
		if err != nil {
			return err
		}
		if external {
			rows = slices.DeleteFunc(rows, func(w api.Workspace) bool { return !w.LatestBuild.HasExternalAgent })
		}
		return out.Print(env, rows)
	})
	return cmd
}

func everything(ctx context.Context, c *client.Client, query string) ([]api.Workspace, error) {
	var rows []api.Workspace
	for {
		p, err := c.Workspaces(ctx, client.WorkspacesFilter{Query: query, Limit: pageSize, Offset: len(rows)})
		if err != nil {
			return nil, err
		}
		rows = append(rows, p.Workspaces...)
		if len(p.Workspaces) == 0 || len(rows) >= p.Count {
			return rows, nil
		}
	}
}
