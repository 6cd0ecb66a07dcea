package terraform_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// keeper has a machine that goes with a stop, and a home that stays and is made
// anew when its zone changes.
const keeper = header + `
data "coder_workspace" "me" {}
data "coder_parameter" "zone" {
  name    = "zone"
  default = "eu"
  mutable = true
}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = "1"
  mutable = true
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "home" {
  count            = 1
  input            = data.coder_parameter.size.value
  triggers_replace = [data.coder_parameter.zone.value]
}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = coder_agent.main.token
}
`

func planJob(archive []byte, t api.Transition, state []byte, params ...api.ParameterValue) *jobrpc.Job {
	j := jobFor(archive)
	j.Plan = &jobrpc.PlanWork{TemplateVersionID: api.NewID(), State: state, Parameters: params,
		Persistent: []string{"terraform_data.home"}, Meta: meta(t)}
	return j
}

func value(name, v string) api.ParameterValue { return api.ParameterValue{Name: name, Value: v} }

func TestPlanSaysWhatABuildWouldDo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	archive := pack(t, map[string]string{"main.tf": keeper})
	ctx := within(t, 2*time.Minute)
	rec := &recorder{archive: archive}
	plan := func(tr api.Transition, state []byte, params ...api.ParameterValue) *jobrpc.PlanResult {
		t.Helper()
		got, err := r.Plan(ctx, planJob(archive, tr, state, params...), rec.session())
		require.NoError(t, err, rec.text())
		return got
	}

	// A workspace that does not exist yet.
	fresh := plan(api.TransitionStart, nil)
	require.Equal(t, []api.ResourceChange{
		{Address: "terraform_data.home[0]", Type: "terraform_data", Name: "home", Action: api.ResourceCreate, Persistent: true},
		{Address: "terraform_data.machine[0]", Type: "terraform_data", Name: "machine", Action: api.ResourceCreate},
	}, fresh.Changes)
	require.Len(t, fresh.Resources, 2)

	built, err := r.Build(ctx, buildJob(archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err)
	rec.states = nil

	actions := func(p *jobrpc.PlanResult) map[string]api.ResourceAction {
		out := map[string]api.ResourceAction{}
		for _, c := range p.Changes {
			out[c.Address] = c.Action
		}
		return out
	}
	again := plan(api.TransitionStart, built.State)
	// Each start makes a new agent token, which the machine is told.
	require.Equal(t, map[string]api.ResourceAction{"terraform_data.home[0]": "keep", "terraform_data.machine[0]": "update"}, actions(again))
	agents := 0
	for _, res := range again.Resources {
		for _, a := range res.Agents {
			agents++
			require.Empty(t, a.Token, "a plan gives away no token")
			require.Empty(t, a.ID)
		}
	}
	require.Equal(t, 1, agents)
	require.NotContains(t, mustJSON(t, again), tokenOf(t, built))

	require.Equal(t, map[string]api.ResourceAction{"terraform_data.home[0]": "update", "terraform_data.machine[0]": "update"},
		actions(plan(api.TransitionStart, built.State, value("size", "5"))))
	moved := plan(api.TransitionStart, built.State, value("zone", "us"))
	require.Equal(t, api.ResourceChange{Address: "terraform_data.home[0]", Type: "terraform_data", Name: "home",
		Action: api.ResourceReplace, Persistent: true, Reasons: []string{"triggers_replace"}}, moved.Changes[0])
	require.Equal(t, map[string]api.ResourceAction{"terraform_data.home[0]": "keep", "terraform_data.machine[0]": "delete"},
		actions(plan(api.TransitionStop, built.State)))
	gone := plan(api.TransitionDelete, built.State)
	require.Equal(t, map[string]api.ResourceAction{"terraform_data.home[0]": "delete", "terraform_data.machine[0]": "delete"}, actions(gone))
	require.Empty(t, gone.Resources)
	require.Empty(t, plan(api.TransitionDelete, nil).Changes)
	require.Empty(t, rec.states, "a plan hands over no state")
}

func TestGuardedBuildDestroysNothingThatStays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	archive := pack(t, map[string]string{"main.tf": keeper})
	ctx := within(t, 2*time.Minute)
	rec := &recorder{archive: archive}
	built, err := r.Build(ctx, buildJob(archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err)
	rec.states = nil

	job := buildJob(archive, api.TransitionStart, built.State, value("zone", "us"))
	job.Build.Guard = &jobrpc.Guard{Persistent: []string{"terraform_data.home[0]"}}
	_, err = r.Build(ctx, job, rec.session())
	var refused *provisionerd.Failure
	require.True(t, errors.As(err, &refused), "%v", err)
	require.Equal(t, jobrpc.CodePersistentResources, refused.Code)
	require.Contains(t, refused.Message, "terraform_data.home[0] would be destroyed and made anew (because of triggers_replace)")
	require.Contains(t, refused.Message, "--allow-destroy-persistent")
	require.Empty(t, rec.states, "nothing was applied")

	// What the guard does not name may go, and an update in place is no loss.
	job = buildJob(archive, api.TransitionStart, built.State, value("zone", "us"))
	job.Build.Guard = &jobrpc.Guard{Persistent: []string{"terraform_data.other"}}
	_, err = r.Build(ctx, job, rec.session())
	require.NoError(t, err)
	job = buildJob(archive, api.TransitionStart, built.State, value("size", "7"))
	job.Build.Guard = &jobrpc.Guard{Persistent: []string{"terraform_data.home"}}
	grown, err := r.Build(ctx, job, rec.session())
	require.NoError(t, err)
	require.Contains(t, string(grown.State), `"7"`)
	stages := map[string]int{}
	for _, step := range grown.Timings {
		if step.Source == "terraform" && step.Resource == step.Stage {
			stages[step.Stage]++
		}
	}
	require.Equal(t, map[string]int{"plan": 1, "apply": 1}, stages)
}

// TestGuardSeesRenamesAndRemovals: a moved resource is not lost; one that the
// new version does not have is.
func TestGuardSeesRenamesAndRemovals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := pack(t, map[string]string{"main.tf": header + `resource "terraform_data" "home" {}`})
	ctx := within(t, 2*time.Minute)
	built, err := r.Build(ctx, buildJob(first, api.TransitionStart, nil), (&recorder{archive: first}).session())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		tf   string
		lost bool
	}{
		"moved": {`resource "terraform_data" "house" {}` + "\n" + `moved { 
  from = terraform_data.home
  to   = terraform_data.house
}`, false},
		"moved and anew": {`resource "terraform_data" "house" { triggers_replace = 1 }` + "\n" + `moved { 
  from = terraform_data.home
  to   = terraform_data.house
}`, true},
		"removed": {``, true},
		"renamed": {`resource "terraform_data" "house" {}`, true},
	} {
		archive := pack(t, map[string]string{"main.tf": header + c.tf})
		job := buildJob(archive, api.TransitionStart, built.State)
		job.Build.Guard = &jobrpc.Guard{Persistent: []string{"terraform_data.home"}}
		rec := &recorder{archive: archive}
		_, err := r.Build(ctx, job, rec.session())
		if !c.lost {
			require.NoError(t, err, name)
			continue
		}
		var refused *provisionerd.Failure
		require.True(t, errors.As(err, &refused), "%s: %v", name, err)
		require.Equal(t, jobrpc.CodePersistentResources, refused.Code, name)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// tokenOf returns the token of the one agent of a build.
func tokenOf(t *testing.T, b *jobrpc.BuildResult) string {
	t.Helper()
	for _, res := range b.Resources {
		for _, a := range res.Agents {
			return a.Token.Reveal()
		}
	}
	t.Fatal("the build has no agent")
	return ""
}
