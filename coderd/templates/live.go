package templates

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/parameters"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/archive"
)

// everyone is the group that all members of an organization are in.
const everyone = "Everyone"

// Bounds of what is kept of templates that have been read.
const (
	// liveBytes bounds the source of all of them. What is made of it takes about
	// ten times as much.
	liveBytes   = 8 << 20
	loadTimeout = 30 * time.Second
)

// live keeps templates that have been read, by the id of their archive. An
// archive never changes, so nothing expires; the one used least goes first.
type live struct {
	group singleflight.Group

	mu    sync.Mutex
	byID  map[api.ID]*list.Element // of *liveEntry
	order *list.List               // newest first
	bytes int
}

type liveEntry struct {
	id  api.ID
	tpl *parameters.Template
}

func newLive() *live { return &live{byID: map[api.ID]*list.Element{}, order: list.New()} }

func (l *live) get(id api.ID) *parameters.Template {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byID[id]
	if e == nil {
		return nil
	}
	l.order.MoveToFront(e)
	return e.Value.(*liveEntry).tpl //nolint:forcetypeassert // the list has nothing else
}

func (l *live) put(id api.ID, tpl *parameters.Template) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[id] != nil || tpl.Size() > liveBytes {
		return
	}
	l.byID[id] = l.order.PushFront(&liveEntry{id, tpl})
	l.bytes += tpl.Size()
	for l.bytes > liveBytes {
		last := l.order.Back()
		gone := last.Value.(*liveEntry) //nolint:forcetypeassert // the list has nothing else
		l.order.Remove(last)
		delete(l.byID, gone.id)
		l.bytes -= gone.tpl.Size()
	}
}

// liveTemplate reads the template of an archive, once for all who ask at the
// same time. With the q of a transaction it reads there, for itself alone.
func (s *Service) liveTemplate(ctx context.Context, q *database.Queries, file api.ID) (*parameters.Template, error) {
	if tpl := s.live.get(file); tpl != nil {
		return tpl, nil
	}
	if q != s.opts.DB.Queries {
		return s.readTemplate(ctx, q, file)
	}
	// Whoever asks first may leave; the others wait on.
	found := s.live.group.DoChan(file.String(), func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return s.readTemplate(own, q, file)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-found:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*parameters.Template), nil //nolint:forcetypeassert // from above
	}
}

func (s *Service) readTemplate(ctx context.Context, q *database.Queries, file api.ID) (*parameters.Template, error) {
	row, err := q.GetFile(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("load file %s: %w", file, err)
	}
	tpl, err := readArchive(row.Data, row.Mimetype)
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", file, err)
	}
	s.live.put(file, tpl)
	return tpl, nil
}

func readArchive(data []byte, kind string) (*parameters.Template, error) {
	files, err := archive.Read(bytes.NewReader(data), kind, archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: jobrpc.MaxArchiveFiles},
		parameters.MaxFile, parameters.Wanted)
	if err != nil {
		return nil, err
	}
	tpl, _ := parameters.Load(files) // its diagnostics come with every result
	return tpl, nil
}

// EvaluateParams say what Evaluate shall work out.
type EvaluateParams struct {
	Version    database.TemplateVersion
	Owner      api.ID
	Values     map[string]string
	Previous   map[string]string
	FirstBuild bool
	Transition api.Transition
	Workspace  parameters.Workspace
}

// Evaluate works a version out for an owner and values. It checks no rights: the
// caller has. q may be that of a transaction.
func (s *Service) Evaluate(ctx context.Context, q *database.Queries, p EvaluateParams) (parameters.Result, error) {
	tpl, err := s.liveTemplate(ctx, q, p.Version.FileID)
	if err != nil {
		return parameters.Result{}, err
	}
	in := parameters.Input{Values: p.Values, Previous: p.Previous, FirstBuild: p.FirstBuild, Transition: p.Transition,
		Workspace: p.Workspace, OS: runtime.GOOS, Arch: runtime.GOARCH}
	if in.Owner, err = ownerOf(ctx, q, p.Owner); err != nil {
		return parameters.Result{}, err
	}
	if in.Variables, err = s.variablesFor(ctx, q, p.Version); err != nil {
		return parameters.Result{}, err
	}
	if in.Imported, err = ParametersOf(ctx, q, p.Version.ID); err != nil {
		return parameters.Result{}, err
	}
	in.Workspace.AccessURL = s.opts.AccessURL.String()
	return tpl.Evaluate(ctx, in), nil
}

// variablesFor returns the values of a version; before its import has ended,
// those that were pushed with it.
func (s *Service) variablesFor(ctx context.Context, q *database.Queries, v database.TemplateVersion) ([]api.VariableValue, error) {
	values, err := VariablesOf(ctx, q, s.opts.Ring, v.ID)
	if err != nil || len(values) > 0 {
		return values, err
	}
	return s.inputs(ctx, q, v.ID)
}

// ownerOf is what a template may know of a user.
func ownerOf(ctx context.Context, q *database.Queries, id api.ID) (parameters.Owner, error) {
	u, err := q.GetUser(ctx, id)
	if database.IsNotFound(err) {
		return parameters.Owner{}, api.NotFound("User")
	}
	if err != nil {
		return parameters.Owner{}, fmt.Errorf("load user %s: %w", id, err)
	}
	o := parameters.Owner{ID: u.ID, Name: u.Username, FullName: u.Name, Email: u.Email, Groups: []string{everyone},
		LoginType: u.LoginType, Roles: []parameters.Role{{Name: "member"}}}
	for _, r := range u.Roles {
		o.Roles = append(o.Roles, parameters.Role{Name: r})
	}
	memberships, err := q.ListMembershipsOfUser(ctx, id)
	if err != nil {
		return o, fmt.Errorf("list memberships of user %s: %w", id, err)
	}
	for _, m := range memberships {
		org := m.OrganizationID.String()
		o.Roles = append(o.Roles, parameters.Role{Name: "organization-member", OrganizationID: org})
		for _, r := range m.Roles {
			o.Roles = append(o.Roles, parameters.Role{Name: r, OrganizationID: org})
		}
	}
	return o, nil
}

// checkPreviewOwner returns the user that values are evaluated for. What a
// template shows of a person is for them and for those who may make workspaces
// for them.
func (s *Service) checkPreviewOwner(ctx context.Context, org, owner api.ID) (api.ID, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return owner, err
	}
	if owner.IsZero() || owner == caller.UserID {
		return caller.UserID, nil
	}
	if !rbac.Authorize(caller, rbac.Create, rbac.Object{Type: rbac.TypeWorkspace, OrgID: org, OwnerID: owner}) {
		return owner, api.NotFound("User")
	}
	return owner, nil
}

// pushTags merges the workspace tags of a template that is being pushed into the
// tags of its import: those of constants, variables and defaults.
// example is the archive of a starter template, nil for one that was uploaded.
func (s *Service) pushTags(ctx context.Context, example []byte, req api.CreateTemplateVersionRequest) (tags map[string]string, err error) {
	q := s.opts.DB.Queries
	var tpl *parameters.Template
	if example != nil {
		tpl, err = readArchive(example, api.ContentTypeTar)
	} else {
		tpl, err = s.liveTemplate(ctx, q, req.FileID)
	}
	if err != nil {
		return nil, err
	}
	in := parameters.Input{FirstBuild: true, Variables: req.UserVariableValues}
	if !req.TemplateID.IsZero() {
		t, err := q.GetTemplateRow(ctx, req.TemplateID)
		if database.IsNotFound(err) {
			return nil, api.NotFound(aTemplate)
		}
		if err != nil {
			return nil, fmt.Errorf("load template %s: %w", req.TemplateID, err)
		}
		old, err := VariablesOf(ctx, q, s.opts.Ring, t.ActiveVersionID)
		if err != nil {
			return nil, err
		}
		in.Variables = append(slices.Clone(in.Variables), old...) // the first of a name counts
	}
	r := tpl.Evaluate(ctx, in)
	for _, d := range r.Diagnostics {
		if r.TagsOpen && d.Summary == parameters.SummaryTagsOpen {
			return nil, api.Invalid("file_id", d.Detail)
		}
	}
	tags = maps.Clone(req.ProvisionerTags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, r.WorkspaceTags)
	return tags, nil
}
