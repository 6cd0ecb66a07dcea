package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// Bounds of what positions and estimates are made from.
const (
	maxScene   = 2000 // jobs and daemons
	maxSamples = 200  // ended jobs
)

// Load returns jobs with their place in the queue. Ids that are not there are
// missing from the result. The number of statements does not depend on how many
// there are.
func Load(ctx context.Context, db *database.Queries, ids ...api.ID) (map[api.ID]api.ProvisionerJob, error) {
	out := make(map[api.ID]api.ProvisionerJob, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := db.ListProvisionerJobsByIDs(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("load %d jobs: %w", len(ids), err)
	}
	return Describe(ctx, db, rows)
}

// Describe is Load for a caller who has the rows. The queue is looked at only when
// one of them waits.
func Describe(ctx context.Context, db *database.Queries, rows []database.ProvisionerJob) (map[api.ID]api.ProvisionerJob, error) {
	orgs := map[api.ID]bool{}
	for _, r := range rows {
		if api.JobStatus(r.Status) == api.JobPending {
			orgs[r.OrganizationID] = true
		}
	}
	places := map[api.ID]Place{}
	if len(orgs) > 0 {
		s, err := loadScene(ctx, db, slices.Collect(maps.Keys(orgs)))
		if err != nil {
			return nil, err
		}
		places = s.places()
	}
	out := make(map[api.ID]api.ProvisionerJob, len(rows))
	for _, r := range rows {
		out[r.ID] = Convert(r, places[r.ID])
	}
	return out, nil
}

func loadScene(ctx context.Context, db *database.Queries, orgs []api.ID) (scene, error) {
	s := scene{typical: map[kind]sample{}}
	open, err := db.ListOpenProvisionerJobs(ctx, database.ListOpenProvisionerJobsParams{Organizations: orgs, MaxRows: maxScene})
	if err != nil {
		return s, fmt.Errorf("load queue: %w", err)
	}
	for _, r := range open {
		j := openJob{id: r.ID, org: r.OrganizationID, tags: decodeTags(r.Tags), running: api.JobStatus(r.Status) != api.JobPending,
			elapsed: time.Duration(r.ElapsedMs * float64(time.Millisecond)),
			kind:    kind{jobType: api.JobType(r.Type), template: r.TemplateID, transition: r.Transition}}
		if r.WorkerID != nil {
			j.worker = *r.WorkerID
		}
		s.jobs = append(s.jobs, j)
	}
	daemons, err := db.ListOnlineProvisionerDaemons(ctx, database.ListOnlineProvisionerDaemonsParams{
		Organizations: orgs, StaleSeconds: staleAfter.Seconds(), MaxRows: maxScene})
	if err != nil {
		return s, fmt.Errorf("load daemons: %w", err)
	}
	for _, r := range daemons {
		s.daemons = append(s.daemons, knownDaemon{id: r.ID, org: r.OrganizationID, tags: decodeTags(r.Tags),
			online: r.Online, last: r.LastSeenAt})
	}
	durations, err := db.ListProvisionerJobDurations(ctx, database.ListProvisionerJobDurationsParams{
		Organizations: orgs, MaxRows: maxSamples})
	if err != nil {
		return s, fmt.Errorf("load durations of jobs: %w", err)
	}
	for _, r := range durations {
		s.typical[kind{jobType: api.JobType(r.Type), template: r.TemplateID, transition: r.Transition}] =
			sample{mean: time.Duration(r.MeanMs * float64(time.Millisecond)), n: int(r.Samples)}
	}
	return s, nil
}

// decodeTags reads what the server wrote; a row that cannot be read has none.
func decodeTags(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	_ = json.Unmarshal(raw, &out)
	return out
}

// note says in plain words why a waiting job cannot start, "" if it can.
func (p Place) note(tags map[string]string) string {
	if p.Position == 0 || len(p.Workers) > 0 {
		return ""
	}
	var own []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if k != api.TagOwner && (k != api.TagScope || tags[k] != api.ScopeOrganization) {
			own = append(own, k+"="+tags[k])
		}
	}
	if len(own) == 0 {
		return "No provisioner without tags is online. The job waits until one is."
	}
	return "No provisioner with tags " + strings.Join(own, " ") + " is online. The job waits until one is."
}

// matched is the short form for the objects that own jobs.
func (p Place) matched() *api.MatchedProvisioners {
	if p.Position == 0 {
		return nil
	}
	return &api.MatchedProvisioners{Count: p.Seen, Available: len(p.Workers), MostRecentlySeen: p.Last}
}
