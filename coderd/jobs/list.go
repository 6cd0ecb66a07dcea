package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// maxListed bounds one list of daemons or jobs; defaultListed is its length when
// nobody says more.
const (
	maxListed     = 1000
	defaultListed = 50
	// forgetAfter is how long daemons that are gone stay in lists.
	forgetAfter = 7 * 24 * time.Hour
)

// ListQuery is what both lists can be asked.
type ListQuery struct {
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"Most rows to return; 0 means 50."`
	IDs    string `query:"ids" maxLength:"40000" doc:"Comma-separated ids."`
	Status string `query:"status" maxLength:"256" doc:"Comma-separated states."`
	Tags   string `query:"tags" maxLength:"16384" doc:"JSON object of tags that must all be there."`
}

func (l ListQuery) rows() int32 {
	if l.Limit <= 0 {
		return defaultListed
	}
	return int32(min(l.Limit, maxListed)) //nolint:gosec // bounded here
}

func (l ListQuery) ids() ([]api.ID, error) {
	out := []api.ID{}
	for _, s := range split(l.IDs) {
		id, err := api.ParseID(s)
		if err != nil {
			return nil, api.Invalid("ids", err.Error())
		}
		out = append(out, id)
	}
	if len(out) > maxListed {
		return nil, api.Invalid("ids", fmt.Sprintf("has more than %d entries", maxListed))
	}
	return out, nil
}

func (l ListQuery) tags() (json.RawMessage, error) {
	if l.Tags == "" {
		return json.RawMessage("{}"), nil
	}
	var tags map[string]string
	if err := json.Unmarshal([]byte(l.Tags), &tags); err != nil || len(tags) > maxTags {
		return nil, api.Invalid("tags", `must be a JSON object of texts, such as {"region":"eu"}`)
	}
	return json.Marshal(tags)
}

func (l ListQuery) statuses(allowed ...string) ([]string, error) {
	out := split(l.Status)
	for _, s := range out {
		if !slices.Contains(allowed, s) {
			return nil, api.Invalid("status", "must be of "+strings.Join(allowed, ", "))
		}
	}
	return out, nil
}

func split(s string) []string {
	out := []string{}
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// HandleDaemons: GET /organizations/{organization}/provisionerdaemons.
func (q *Queue) HandleDaemons(ctx context.Context, in *struct {
	OrganizationPath
	ListQuery
	Offline bool  `query:"offline" doc:"Daemons that are gone too."`
	MaxAge  int64 `query:"max_age_ms" minimum:"0" doc:"Only daemons seen in that many milliseconds."`
}) (*httpapi.Out[[]api.ProvisionerDaemon], error) {
	f := daemonFilter{limit: in.rows(), offline: in.Offline, maxAge: time.Duration(min(in.MaxAge, forgetAfter.Milliseconds())) * time.Millisecond}
	var err error
	if f.ids, err = in.ids(); err == nil {
		f.tags, err = in.tags()
	}
	if err == nil {
		f.statuses, err = in.statuses(string(api.DaemonOffline), string(api.DaemonIdle), string(api.DaemonBusy))
	}
	if err != nil {
		return nil, err
	}
	// Who names a daemon, or asks for those that are gone, wants to see them.
	f.offline = f.offline || len(f.ids) > 0 || slices.Contains(f.statuses, string(api.DaemonOffline))
	return httpapi.Reply(q.listDaemons(ctx, in.Organization, f))
}

type daemonFilter struct {
	limit    int32
	ids      []api.ID
	statuses []string
	tags     json.RawMessage
	offline  bool
	maxAge   time.Duration
}

func (q *Queue) listDaemons(ctx context.Context, ref string, f daemonFilter) ([]api.ProvisionerDaemon, error) {
	org, err := q.managed(ctx, ref, rbac.Read)
	if err != nil {
		return nil, err
	}
	if f.tags == nil {
		f.tags = json.RawMessage("{}")
	}
	rows, err := q.opts.DB.ListProvisionerDaemons(ctx, database.ListProvisionerDaemonsParams{OrganizationID: org.ID,
		Ids: notNil(f.ids), Statuses: notNil(f.statuses), Tags: f.tags, WithOffline: f.offline, MaxAgeSeconds: f.maxAge.Seconds(),
		StaleSeconds: staleAfter.Seconds(), MaxRows: f.limit})
	if err != nil {
		return nil, fmt.Errorf("list provisioner daemons: %w", err)
	}
	out := make([]api.ProvisionerDaemon, len(rows))
	for i, r := range rows {
		out[i] = convertDaemon(r)
	}
	return out, nil
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func convertDaemon(r database.ListProvisionerDaemonsRow) api.ProvisionerDaemon {
	d := r.ProvisionerDaemon
	out := api.ProvisionerDaemon{ID: d.ID, OrganizationID: d.OrganizationID, KeyID: d.KeyID, KeyName: d.KeyName,
		Name: d.Name, Version: d.Version, APIVersion: d.ApiVersion, Provisioners: notNil(d.Provisioners),
		Tags: decodeTags(d.Tags), Status: api.DaemonOffline, CreatedAt: d.CreatedAt, LastSeenAt: d.LastSeenAt}
	if !r.CurrentID.IsZero() {
		out.CurrentJob = &api.ProvisionerDaemonJob{ID: r.CurrentID, Status: api.JobStatus(r.CurrentStatus),
			TemplateName: r.CurrentTemplate, TemplateIcon: r.CurrentIcon, TemplateDisplayName: r.CurrentDisplayName}
	}
	if !r.PreviousID.IsZero() {
		out.PreviousJob = &api.ProvisionerDaemonJob{ID: r.PreviousID, Status: api.JobStatus(r.PreviousStatus),
			TemplateName: r.PreviousTemplate, TemplateIcon: r.PreviousIcon, TemplateDisplayName: r.PreviousDisplayName}
	}
	switch {
	case r.Online && out.CurrentJob != nil:
		out.Status = api.DaemonBusy
	case r.Online:
		out.Status = api.DaemonIdle
	}
	return out
}

// retireDaemon makes a daemon look offline.
func (q *Queue) retireDaemon(ctx context.Context, who caller) error {
	q.mu.Lock()
	delete(q.seen, who.daemon) // the next sign of life counts at once
	q.mu.Unlock()
	return q.opts.DB.RetireProvisionerDaemon(ctx, database.RetireProvisionerDaemonParams{ID: who.daemon,
		KeyName: who.keyName, StaleSeconds: (staleAfter + time.Second).Seconds()})
}

// HandleJobs: GET /organizations/{organization}/provisionerjobs.
func (q *Queue) HandleJobs(ctx context.Context, in *struct {
	OrganizationPath
	ListQuery
	Initiator string `query:"initiator" maxLength:"64" doc:"Only jobs that this user (id, name or me) started."`
}) (*httpapi.Out[[]api.ProvisionerJob], error) {
	p := database.ListProvisionerJobsParams{MaxRows: in.rows()}
	var err error
	if p.Ids, err = in.ids(); err == nil {
		p.Tags, err = in.tags()
	}
	if err == nil {
		p.Statuses, err = in.statuses(string(api.JobPending), string(api.JobRunning), string(api.JobSucceeded),
			string(api.JobCanceling), string(api.JobCanceled), string(api.JobFailed), "unknown")
	}
	if err != nil {
		return nil, err
	}
	return httpapi.Reply(q.listJobs(ctx, in.Organization, in.Initiator, p))
}

// HandleJob: GET /organizations/{organization}/provisionerjobs/{job}.
func (q *Queue) HandleJob(ctx context.Context, in *struct {
	OrganizationPath
	Job string `path:"job" maxLength:"64"`
}) (*httpapi.Out[api.ProvisionerJob], error) {
	id, err := api.ParseID(in.Job)
	if err != nil {
		return nil, api.Invalid("job", err.Error())
	}
	jobs, err := q.listJobs(ctx, in.Organization, "", database.ListProvisionerJobsParams{
		Ids: []api.ID{id}, Tags: json.RawMessage("{}"), Statuses: []string{}, MaxRows: 1})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, api.NotFound("Job")
	}
	return httpapi.OK(jobs[0]), nil
}

// listJobs completes p for the caller: who may not see all jobs of the
// organization sees those that they started.
func (q *Queue) listJobs(ctx context.Context, ref, initiator string, p database.ListProvisionerJobsParams) ([]api.ProvisionerJob, error) {
	org, err := q.organization(ctx, ref)
	if err != nil {
		return nil, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	f := rbac.ListFor(caller, rbac.Read, rbac.TypeProvisionerJob)
	p.OrganizationID, p.Anything, p.Named = org.ID, f.Anything, f.Named
	if slices.Contains(f.MemberOf, org.ID) {
		p.Owner = f.Owner
	}
	p.AllJobs = f.All || slices.Contains(f.Orgs, org.ID)
	if initiator != "" {
		if p.Initiator, err = q.initiator(ctx, initiator); err != nil {
			return nil, err
		}
	}
	rows, err := q.opts.DB.ListProvisionerJobs(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list provisioner jobs: %w", err)
	}
	return q.describe(ctx, rows)
}

// initiator finds the user that a filter names. A name that does not exist and
// one that the caller may not see match nothing alike.
func (q *Queue) initiator(ctx context.Context, ref string) (api.ID, error) {
	u, err := users.Load(ctx, q.opts.DB.Queries, rbac.Read, ref)
	return u.ID, err
}

// describe adds places, workers and metadata.
func (q *Queue) describe(ctx context.Context, rows []database.ProvisionerJob) ([]api.ProvisionerJob, error) {
	loaded, err := Describe(ctx, q.opts.DB.Queries, rows)
	if err != nil {
		return nil, err
	}
	out, ids := make([]api.ProvisionerJob, len(rows)), make([]api.ID, len(rows))
	for i, r := range rows {
		out[i], ids[i] = loaded[r.ID], r.ID
	}
	meta, err := q.opts.DB.ListProvisionerJobMetadata(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("load metadata of jobs: %w", err)
	}
	byID, planned := map[api.ID]*api.ProvisionerJobMetadata{}, map[api.ID]*api.ID{}
	for _, m := range meta {
		planned[m.ID] = m.PlanVersionID
		byID[m.ID] = &api.ProvisionerJobMetadata{TemplateVersionName: m.VersionName, TemplateID: m.TemplateID,
			TemplateName: m.TemplateName, TemplateDisplayName: m.TemplateDisplayName, TemplateIcon: m.TemplateIcon,
			WorkspaceID: m.WorkspaceID, WorkspaceName: m.WorkspaceName, WorkspaceBuildTransition: api.Transition(m.Transition)}
	}
	for i := range out {
		out[i].Metadata = byID[out[i].ID]
		if version := planned[out[i].ID]; version != nil {
			out[i].Input.TemplateVersionID = version
		}
	}
	return out, nil
}
