package workspaces_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

// allow gives everybody of the default organization an allowance.
func (r *rig) allow(n int) {
	r.Helper()
	_, err := r.d.DB.Pool().Exec(r.Context(), `insert into groups (id, organization_id, name, quota_allowance)
		select id, id, 'Everyone', $1 from organizations where is_default
		on conflict (id) do update set quota_allowance = excluded.quota_allowance`, n)
	require.NoError(r, err)
}

func (r *rig) quota(c *coderdtest.Client) api.WorkspaceQuota {
	r.Helper()
	a := coderdtest.Do[api.WorkspaceQuota](r, c, http.StatusOK, http.MethodGet, org+"/members/me/workspace-quota", nil)
	b := coderdtest.Do[api.WorkspaceQuota](r, c, http.StatusOK, http.MethodGet, "/api/v2/workspace-quota/me", nil)
	require.Equal(r, a, b)
	return a
}

// ask is what a daemon asks between plan and apply.
func (r *rig) ask(job *jobrpc.Job, cost int) string {
	r.Helper()
	res, err := r.d.Jobs.Quota(r.Context(), jobrpc.QuotaRequest{JobID: job.ID, Attempt: job.Attempt, DailyCost: cost})
	require.NoError(r, err)
	return res.Refused
}

func (r *rig) refuseBuild(job *jobrpc.Job, state string) {
	r.Helper()
	require.NoError(r, r.d.Jobs.Fail(r.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt,
		Code: api.CodeInsufficientQuota, Error: "too much", State: []byte(state)}))
}

// costlyState is a state whose resources cost that much a day.
func costlyState(cost int) string {
	return fmt.Sprintf(`{"version":4,"serial":1,"lineage":"x","resources":[{"mode":"managed","type":"coder_metadata","name":"m",
		"provider":"p","instances":[{"attributes":{"daily_cost":%d}}]}]}`, cost)
}

func costing(cost int) jobrpc.BuildResult {
	return jobrpc.BuildResult{State: []byte(costlyState(cost)), Resources: []jobrpc.Resource{
		{Type: "terraform_data", Name: "ws", Address: "terraform_data.ws", DailyCost: cost}}}
}

// TestQuotaOfManyAtOnce: 20 builds at once on a budget of 5 give 5.
func TestQuotaOfManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	template := r.template("t")
	r.allow(5)
	var built []*jobrpc.Job
	for i := range 20 {
		r.create(r.member, template, fmt.Sprintf("ws-%d", i))
		job := r.acquire()
		require.True(t, job.Build.Quota)
		built = append(built, job)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	admitted := 0
	for _, job := range built {
		wg.Go(func() {
			res, err := r.d.Jobs.Quota(t.Context(), jobrpc.QuotaRequest{JobID: job.ID, Attempt: job.Attempt, DailyCost: 1})
			mu.Lock()
			defer mu.Unlock()
			if assert.NoError(t, err) && res.Refused == "" {
				admitted++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 5, admitted)
	require.Equal(t, api.WorkspaceQuota{CreditsConsumed: 5, Budget: 5}, r.quota(r.member))
}

// TestQuotaOfAWorkspace follows one workspace through its life.
func TestQuotaOfAWorkspace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	template := r.template("t")
	require.Equal(t, api.WorkspaceQuota{Budget: api.NoQuota}, r.quota(r.member), "no allowance, no limits")
	other := r.create(r.member, template, "other")
	job := r.acquire()
	require.False(t, job.Build.Quota)
	r.complete(job, costing(3))
	r.allow(5)
	require.Equal(t, api.WorkspaceQuota{CreditsConsumed: 3, Budget: 5}, r.quota(r.member))
	require.Equal(t, api.WorkspaceQuota{Budget: 5}, r.quota(r.owner), "of each their own")

	w := r.create(r.member, template, "ws")
	job = r.acquire()
	refused := r.ask(job, 4)
	for _, word := range []string{"needs 4", "budget is 5", "3 of it"} {
		require.Contains(t, refused, word)
	}
	require.Empty(t, r.ask(job, 2))
	require.Empty(t, r.ask(job, 2), "asked again it is the same")
	require.Equal(t, 5, r.quota(r.member).CreditsConsumed)
	_, err := r.d.Jobs.Quota(t.Context(), jobrpc.QuotaRequest{JobID: job.ID, Attempt: job.Attempt + 1, DailyCost: 0})
	require.Error(t, err, "another attempt")
	_, err = r.d.Jobs.Quota(t.Context(), jobrpc.QuotaRequest{JobID: job.ID, Attempt: job.Attempt, DailyCost: -1})
	require.Equal(t, api.CodeInvalid, api.CodeOf(err))

	// A build that fails gives back what it has not made.
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Error: "x", State: []byte(costlyState(1))}))
	require.Equal(t, 4, r.quota(r.member).CreditsConsumed)
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	job = r.acquire()
	require.Equal(t, 4, r.quota(r.member).CreditsConsumed, "what there is counts while a build runs")
	require.Empty(t, r.ask(job, 2))
	r.complete(job, costing(2))
	require.Equal(t, 5, r.quota(r.member).CreditsConsumed)

	// What a stop keeps still counts.
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop})
	job = r.acquire()
	require.False(t, job.Build.Quota)
	r.complete(job, costing(1))
	require.Equal(t, 4, r.quota(r.member).CreditsConsumed)
	require.Equal(t, 1, r.workspace(r.member, w.ID).LatestBuild.DailyCost)

	// A refused start leaves the workspace as it was.
	r.allow(4)
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	job = r.acquire()
	require.NotEmpty(t, r.ask(job, 2))
	require.Empty(t, r.ask(job, 1), "no more than before is always admitted")
	r.refuseBuild(job, "")
	require.Equal(t, api.WorkspaceStopped, r.workspace(r.member, w.ID).LatestBuild.Status)
	require.Equal(t, 4, r.quota(r.member).CreditsConsumed)

	r.build(r.member, other, api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete})
	r.complete(r.acquire(), jobrpc.BuildResult{})
	require.Equal(t, 1, r.quota(r.member).CreditsConsumed)
}

// TestQuotaOfGroups: allowances of groups add up; those of others do not.
func TestQuotaOfGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.allow(0)
	for name, members := range map[string][]*coderdtest.Client{"both": {r.member, r.owner}, "one": {r.member}} {
		id := api.NewID()
		_, err := r.d.DB.Pool().Exec(t.Context(), `insert into groups (id, organization_id, name, quota_allowance)
			select $1, id, $2, 7 from organizations where is_default`, id, name)
		require.NoError(t, err)
		for _, m := range members {
			_, err := r.d.DB.Pool().Exec(t.Context(), `insert into group_members (user_id, group_id) values ($1, $2)`, m.User.ID, id)
			require.NoError(t, err)
		}
	}
	require.Equal(t, 14, r.quota(r.member).Budget)
	require.Equal(t, 7, r.quota(r.owner).Budget)
	third := r.d.NewUser(t, r.owner, "carol")
	require.Equal(t, 0, r.quota(third).Budget, "limits hold also for those whom no group allows anything")
	r.refused(third, http.StatusNotFound, "", http.MethodGet, org+"/members/bob/workspace-quota", nil)
	got := coderdtest.Do[api.WorkspaceQuota](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/workspace-quota/bob", nil)
	require.Equal(t, 14, got.Budget)

	first := r.template("t")
	r.create(third, first, "ws")
	job := r.acquire()
	require.NotEmpty(t, r.ask(job, 1))
	require.Empty(t, r.ask(job, 0), "what costs nothing is free")
	r.refuseBuild(job, "")
	require.Equal(t, 0, r.quota(third).CreditsConsumed)
}
