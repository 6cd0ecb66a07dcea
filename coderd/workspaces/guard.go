package workspaces

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/database"
)

// needsGuard reports whether a build could destroy what a stop keeps without
// anybody having said so: its version or its parameters differ from those of the
// last build that succeeded. A delete means to destroy all.
func needsGuard(ctx context.Context, q *database.Queries, workspace api.ID, p buildParams, confirmed bool) (bool, error) {
	if confirmed || p.transition == api.TransitionDelete {
		return false, nil
	}
	good, err := q.GetNewestGoodBuild(ctx, workspace)
	if database.IsNotFound(err) {
		return false, nil // nothing was ever in use
	}
	if err != nil {
		return false, fmt.Errorf("load last good build of workspace %s: %w", workspace, err)
	}
	if good.TemplateVersionID != p.version.TemplateVersion.ID {
		return true, nil
	}
	rows, err := q.ListBuildParameters(ctx, good.ID)
	if err != nil {
		return false, fmt.Errorf("list parameters of build %s: %w", good.ID, err)
	}
	before := make(map[string]string, len(rows))
	for _, r := range rows {
		before[r.Name] = r.Value
	}
	if len(before) != len(p.parameters) {
		return true, nil
	}
	return slices.ContainsFunc(p.parameters, func(v api.ParameterValue) bool {
		old, ok := before[v.Name]
		return !ok || old != v.Value
	}), nil
}

// guardOf names what a build of a workspace must not destroy; nil when there is
// nothing.
func guardOf(ctx context.Context, q *database.Queries, workspace api.ID) (*jobrpc.Guard, error) {
	keep, err := persistentOf(ctx, q, workspace)
	if err != nil || len(keep) == 0 {
		return nil, err
	}
	return &jobrpc.Guard{Persistent: keep}, nil
}

// persistentOf lists what a stop keeps of a workspace: as its last good build
// left it, and as the import of that build's version planned it.
func persistentOf(ctx context.Context, q *database.Queries, workspace api.ID) ([]string, error) {
	keep, err := q.ListPersistentAddresses(ctx, workspace)
	if err != nil {
		return nil, fmt.Errorf("list what a stop keeps of workspace %s: %w", workspace, err)
	}
	good, err := q.GetNewestGoodBuild(ctx, workspace)
	if database.IsNotFound(err) {
		return nil, nil // nothing was ever in use
	}
	if err != nil {
		return nil, fmt.Errorf("load last good build of workspace %s: %w", workspace, err)
	}
	_, stop, err := plannedOf(ctx, q, good.TemplateVersionID)
	if err != nil {
		return nil, err
	}
	for _, a := range stop {
		if !slices.Contains(keep, a) {
			keep = append(keep, a)
		}
	}
	return slices.DeleteFunc(keep, holdsNothing), nil
}

// holdsNothing reports whether a resource is one that can be made again without
// loss. A new image or network is what most updates are about.
func holdsNothing(address string) bool {
	for _, typ := range []string{"docker_image.", "docker_network.", "null_resource.", "time_rotating.", "time_sleep.", "time_static.", "time_offset."} {
		if strings.HasPrefix(address, typ) || strings.Contains(address, "."+typ) {
			return true
		}
	}
	return false
}

// plannedOf lists what the import of a version found for a start and for a stop.
func plannedOf(ctx context.Context, q *database.Queries, version api.ID) (start, stop []string, err error) {
	rows, err := q.ListVersionResourceAddresses(ctx, version)
	if err != nil {
		return nil, nil, fmt.Errorf("list resources of template version %s: %w", version, err)
	}
	for _, r := range rows {
		if r.Transition == string(api.TransitionStop) {
			stop = append(stop, r.Address)
		} else {
			start = append(start, r.Address)
		}
	}
	return start, stop, nil
}

// persistence says which resources of a finished build a stop keeps. What is
// there after a stop was kept by it.
func persistence(ctx context.Context, q *database.Queries, b database.WorkspaceBuild) (func(string) bool, error) {
	if b.Transition != string(api.TransitionStart) {
		return func(string) bool { return true }, nil
	}
	start, stop, err := plannedOf(ctx, q, b.TemplateVersionID)
	if err != nil {
		return nil, err
	}
	return agents.Persistence(start, stop), nil
}
