package apps

import (
	"context"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxMeant bounds the workspaces that an old name may mean.
const maxMeant = 8

// moved finds what a name of the first release stands for today, among what the
// caller may open. no is the answer where that is nothing.
func (s *Service) moved(ctx context.Context, t devurl.Target, who caller, no error) (devurl.Place, error) {
	meant, err := s.meant(ctx, t)
	if err != nil {
		return devurl.Place{}, err
	}
	p := devurl.Place{State: devurl.StateMoved}
	for _, target := range meant {
		v, ok := s.opts.Sites.Visit(target)
		if !ok {
			continue
		}
		_, err := s.place(ctx, v, who)
		switch code := api.CodeOf(err); {
		case err == nil:
			p.Moved = append(p.Moved, target)
		case code != api.CodeNotFound && code != api.CodeUnauthenticated:
			return devurl.Place{}, err
		}
	}
	if len(p.Moved) == 0 {
		return devurl.Place{}, no
	}
	if who.known {
		p.UserID, p.Username = who.UserID, who.Username
	}
	return p, nil
}

// meant lists the targets that an old name may mean, whoever may open them.
func (s *Service) meant(ctx context.Context, t devurl.Target) ([]devurl.Target, error) {
	var out []devurl.Target
	if t.Joined == "" {
		names, err := s.db.FindWorkspacesOfApp(ctx, database.FindWorkspacesOfAppParams{Owner: t.User, Slug: t.Slug, MaxRows: maxMeant})
		if err != nil {
			return nil, fmt.Errorf("find workspaces of an old name: %w", err)
		}
		for _, name := range names {
			out = append(out, devurl.Target{Slug: t.Slug, Workspace: name, User: t.User})
		}
		return out, nil
	}
	params := database.FindJoinedWorkspacesParams{MaxRows: maxMeant}
	for i := range t.Joined { // each hyphen may be the one between
		if t.Joined[i] == '-' {
			params.Workspaces, params.Owners = append(params.Workspaces, t.Joined[:i]), append(params.Owners, t.Joined[i+1:])
		}
	}
	rows, err := s.db.FindJoinedWorkspaces(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("find workspaces of an old name: %w", err)
	}
	for _, r := range rows {
		out = append(out, devurl.Target{Port: t.Port, Workspace: strings.ToLower(r.Workspace), User: strings.ToLower(r.Owner)})
	}
	return out, nil
}

// leadOld leads from an old name to that of today, which asks for a ticket itself.
// several is the page of those that it may mean.
func (s *Service) leadOld(ctx context.Context, v devurl.Visit, path, query string) (to string, several *devurl.Page, err error) {
	subject, err := rbac.Caller(ctx)
	if err != nil {
		return "", nil, err
	}
	p, err := s.place(ctx, v, caller{subject, true})
	if err != nil {
		return "", nil, err
	}
	if page, ok := s.opts.Sites.Choice(p.Moved, path, query); ok {
		return "", &page, nil
	}
	return s.opts.Sites.Elsewhere(p.Moved[0], path, query), nil, nil
}
