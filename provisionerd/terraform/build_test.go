package terraform_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := richArchive(t)
	rec := &recorder{archive: archive}
	_, err := p.Import(within(t, time.Minute), importJob(archive, region), rec.session())
	require.NoError(t, err, rec.text())

	// The initialised directory is there: neither archive nor init are needed.
	job := buildJob(archive, api.TransitionStart, nil, api.ParameterValue{Name: "image", Value: "alpine"}, api.ParameterValue{Name: "size", Value: "5"})
	job.Build.Variables = []api.VariableValue{region, {Name: "zones", Value: `["z"]`}}
	rec = &recorder{}
	res, err := p.Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	require.NotContains(t, rec.text(), "Initializing the backend")
	require.Contains(t, rec.text(), "Applying: terraform_data.ws[0]: Creating...")
	require.Len(t, res.Resources, 3)
	ws := res.Resources[2]
	require.Equal(t, "terraform_data.ws[0]", ws.Address)
	require.Equal(t, 4, ws.DailyCost)
	require.Equal(t, "/icon/x.svg", ws.Icon)
	require.Equal(t, []api.WorkspaceResourceMetadata{{Key: "plain", Value: "eu"}, {Key: "hidden", Value: "s", Sensitive: true}}, ws.Metadata)
	require.Len(t, ws.Agents, 1)
	agent := ws.Agents[0]
	require.Equal(t, "main", agent.Name)
	require.NotEmpty(t, agent.ID)
	require.NotEmpty(t, agent.Token)
	require.Equal(t, map[string]string{"A": "agent", "MYPATH": "x:y"}, agent.Env)
	require.Equal(t, []string{"web_terminal", "ssh_helper", "port_forwarding_helper"}, agent.DisplayApps)
	require.Equal(t, "a", agent.Metadata[0].Key)
	require.Equal(t, 120, agent.ConnectionTimeoutSeconds)
	require.Equal(t, []string{"one", "two"}, []string{agent.Apps[0].Slug, agent.Apps[1].Slug})
	require.Equal(t, api.Healthcheck{URL: "http://localhost:2/h", Interval: 5, Threshold: 6}, agent.Apps[1].Healthcheck)
	require.Len(t, agent.Scripts, 2)
	require.True(t, agent.Scripts[0].StartBlocksLogin)
	require.Contains(t, string(res.State), `"z"`)
	require.Equal(t, string(res.State), rec.lastState(), "the last snapshot is the final state")
	require.Equal(t, []api.Secret{agent.Token}, rec.tokens)
	stages := map[string]bool{}
	for _, tm := range res.Timings {
		require.False(t, tm.EndedAt.Before(tm.StartedAt))
		stages[tm.Stage+" "+tm.Resource] = true
	}
	require.True(t, stages["plan plan"] && stages["apply apply"] && stages["apply coder_agent.main"], "%v", stages)

	job = buildJob(archive, api.TransitionStop, res.State, job.Build.Parameters...)
	job.Build.Variables = []api.VariableValue{region}
	rec = &recorder{}
	res, err = p.Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	require.Len(t, res.Resources, 1, "nothing runs the agent after a stop")
	require.Empty(t, res.Resources[0].Agents)

	job = buildJob(archive, api.TransitionDelete, res.State, job.Build.Parameters...)
	job.Build.Variables = []api.VariableValue{region}
	rec = &recorder{}
	res, err = p.Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	require.Empty(t, res.State)
	require.Contains(t, rec.lastState(), `"resources": []`)
	require.Contains(t, rec.text(), "Cleaning up: ")
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{"main.tf": header + `
resource "terraform_data" "first" {}
resource "terraform_data" "second" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = "echo so it goes; exit 3"
  }
}
`})
	rec := &recorder{archive: archive}
	_, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
	var f *provisionerd.Failure
	require.ErrorAs(t, err, &f, rec.text())
	require.Contains(t, f.Message, "main.tf line 10")
	require.Contains(t, f.Message, "exit status 3")
	require.Contains(t, rec.text(), "so it goes")
	require.Contains(t, rec.lastState(), `"first"`, "what was made is kept")
	require.Contains(t, rec.lastState(), `"tainted"`)

	_, err = p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, []byte("{}")), rec.session())
	require.ErrorContains(t, err, "saved state")
	res, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionDelete, nil), (&recorder{}).session())
	require.NoError(t, err)
	require.Empty(t, res.Resources)
}

const slow = header + `
resource "terraform_data" "first" {}
resource "terraform_data" "slow" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = "echo $$ > ${abspath(path.module)}/../../pid; echo waiting; sleep 300"
  }
}
`

// startSlow runs a build until it waits in a provisioner.
func startSlow(t *testing.T, ctx context.Context, p *rig, rec *recorder) <-chan error {
	waiting, once := make(chan struct{}), sync.Once{}
	rec.archive = pack(t, map[string]string{"main.tf": slow})
	rec.onLog = func(s string) {
		if strings.Contains(s, "): waiting") {
			once.Do(func() { close(waiting) })
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := p.Build(ctx, buildJob(rec.archive, api.TransitionStart, nil), rec.session())
		done <- err
	}()
	select {
	case <-waiting:
	case err := <-done:
		t.Fatalf("ended early: %v\n%s", err, rec.text())
	case <-time.After(time.Minute):
		t.Fatal("did not start")
	}
	return done
}

func requireGone(t *testing.T, p *rig) {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(p.work, "..", "pid"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)) + "/cwd")
		return errors.Is(err, os.ErrNotExist)
	}, 10*time.Second, 10*time.Millisecond)
}

func TestCancelKeepsState(t *testing.T) {
	t.Parallel()
	p, rec := newRig(t), &recorder{}
	ctx, cancel := context.WithCancel(within(t, time.Minute))
	done := startSlow(t, ctx, p, rec)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Contains(t, rec.lastState(), `"first"`)
	require.Contains(t, rec.lastState(), `"slow"`, "the interrupted resource is in the state, too")
	requireGone(t, p)
}

func TestKillKeepsState(t *testing.T) {
	t.Parallel()
	p, rec := newRig(t), &recorder{}
	done := startSlow(t, within(t, time.Minute), p, rec)
	close(rec.kill)
	require.Error(t, <-done)
	require.Contains(t, rec.lastState(), `"first"`)
	requireGone(t, p)
	state, err := p.Salvage()
	require.NoError(t, err)
	require.Contains(t, string(state), `"first"`)
	require.NoError(t, p.Discard())
	state, err = p.Salvage()
	require.NoError(t, err)
	require.Nil(t, state)
}

// A build may write to ${path.module} and sees nothing of the server.
func TestIsolation(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	out := filepath.Join(p.work, "..", "env")
	archive := pack(t, map[string]string{"main.tf": header + `
data "coder_workspace" "me" {}
module "m" { source = "./m" }
output "x" { value = data.coder_workspace.me.access_url }
`, "m/main.tf": `resource "terraform_data" "x" {
  provisioner "local-exec" { command = "env > ${path.module}/written && cp ${path.module}/written ` + out + `" }
}
`})
	for range 2 { // the second one runs from the store
		rec := &recorder{archive: archive}
		res, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
		require.NoError(t, err, rec.text())
		require.Contains(t, string(res.State), `"http://127.0.0.1:1"`, "the access URL has no slash at its end")
	}
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotContains(t, string(b), "secret")
	require.Contains(t, string(b), "AWS_REGION=here")
	found, err := filepath.Glob(filepath.Join(p.cache, "templates", "*", "m", "written"))
	require.NoError(t, err)
	require.Empty(t, found, "the stored template stays as it was")
	left, err := filepath.Glob(filepath.Join(p.cache, "templates", "*", "terraform.tfstate"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// Daemons that share a cache initialise and use one template at the same time.
func TestParallelDaemons(t *testing.T) {
	t.Parallel()
	first := newRig(t)
	archive := pack(t, map[string]string{"main.tf": header + "resource \"terraform_data\" \"x\" {}\n"})
	var wg sync.WaitGroup
	for range 3 {
		p := newRig(t, func(o *optionsOf) { o.CacheDir = first.cache })
		wg.Go(func() {
			for range 2 {
				rec := &recorder{archive: archive}
				_, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
				if err != nil {
					t.Error(err, rec.text())
				}
			}
		})
	}
	wg.Wait()
	dirs, err := filepath.Glob(filepath.Join(first.cache, "templates", "*"))
	require.NoError(t, err)
	require.Len(t, dirs, 2, "one template and its lock")
}

func TestStoreIsBounded(t *testing.T) {
	t.Parallel()
	p := newRig(t, func(o *optionsOf) { o.MaxTemplates = 2 })
	for _, name := range []string{"a", "b", "c"} {
		archive := pack(t, map[string]string{"main.tf": header + "resource \"terraform_data\" \"" + name + "\" {}\n"})
		_, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), (&recorder{archive: archive}).session())
		require.NoError(t, err)
	}
	files, err := filepath.Glob(filepath.Join(p.cache, "templates", "*", "main.tf"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		require.NotContains(t, string(b), `"a"`, "the one used longest ago went")
	}
}
