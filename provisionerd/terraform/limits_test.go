package terraform_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

// running is a template whose second resource runs a command after the first is
// in the state.
func running(command string) string {
	return header + `
resource "terraform_data" "first" {}
resource "terraform_data" "second" {
  input = terraform_data.first.id
  provisioner "local-exec" { command = ` + strconv.Quote(command) + ` }
}
`
}

// Each limit ends the job with its cause; the state is kept and nothing runs on.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits  terraform.Limits
		command string
		want    string
	}{
		"time":      {terraform.Limits{Time: 4 * time.Second}, "sleep 300", "took longer than 4s"},
		"disk":      {terraform.Limits{Disk: 8 << 20}, "head -c 20000000 /dev/zero >big; sleep 300", "take more than 8 MiB"},
		"memory":    {terraform.Limits{Memory: 900 << 20}, "head -c 1000000000 /dev/zero | tail; sleep 300", "more than the 900 MiB"},
		"processes": {terraform.Limits{Processes: 60}, "i=0; while [ $i -lt 80 ]; do sleep 300 & i=$((i+1)); done; wait", "processes, the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRig(t, func(o *optionsOf) { o.Limits = c.limits })
			rec := &recorder{archive: pack(t, map[string]string{"main.tf": running(c.command)})}
			_, err := p.Build(within(t, time.Minute), buildJob(rec.archive, api.TransitionStart, nil), rec.session())
			var f *provisionerd.Failure
			require.ErrorAs(t, err, &f, rec.text())
			require.Contains(t, f.Message, c.want)
			require.Contains(t, rec.text(), c.want, "the log says it, too")
			state, err := p.Salvage()
			require.NoError(t, err)
			require.Contains(t, string(state)+rec.lastState(), `"first"`)
			require.Empty(t, inDir(t, p.work), "nothing runs on")
		})
	}
}

// alive reports whether the process whose id is in a file exists.
func alive(t *testing.T, file string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	require.NoError(t, err)
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// A process may outlive the start of its workspace, as the workspace; nothing
// else outlives any job, however it hides, and nothing outlives a stop.
func TestEscapees(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	dir := t.TempDir()
	workspace := api.NewID() // a stop in another test ends all that is its workspace's
	id := workspace.String()
	text := header + `
data "coder_workspace" "me" {}
resource "terraform_data" "x" {
  triggers_replace = data.coder_workspace.me.transition
  provisioner "local-exec" {
    command = <<-EOT
      cd /
      setsid env HOST_WORKSPACE=` + id + ` sh -c 'echo $$ >` + dir + `/mine; exec sleep 1000' </dev/null >/dev/null 2>&1 &
      setsid env HOST_WORKSPACE=99999999-1111-4111-8111-111111111111 sh -c 'echo $$ >` + dir + `/other; exec sleep 1000' </dev/null >/dev/null 2>&1 &
      setsid sh -c 'trap "" INT TERM HUP; echo $$ >` + dir + `/deaf; sleep 1000; true' </dev/null >/dev/null 2>&1 &
      sh -c 'echo $$ >` + dir + `/same; exec sleep 1000' </dev/null >/dev/null 2>&1 &
      while [ ! -s ` + dir + `/mine ] || [ ! -s ` + dir + `/other ] || [ ! -s ` + dir + `/deaf ] || [ ! -s ` + dir + `/same ]; do sleep 0.01; done
    EOT
  }
}
`
	archive := pack(t, map[string]string{"main.tf": text})
	var state []byte
	build := func(tr api.Transition) {
		rec := &recorder{archive: archive}
		job := buildJob(archive, tr, state)
		job.Build.Meta.WorkspaceID = workspace
		res, err := p.Build(within(t, time.Minute), job, rec.session())
		require.NoError(t, err, rec.text())
		state = res.State
	}
	build(api.TransitionStart)
	require.True(t, alive(t, filepath.Join(dir, "mine")))
	for _, name := range []string{"other", "deaf", "same"} {
		require.False(t, alive(t, filepath.Join(dir, name)), name)
	}
	build(api.TransitionStop)
	require.False(t, alive(t, filepath.Join(dir, "mine")), "a stop ends what a start was allowed to keep")
}

// wrapper is a rig whose terraform is a script around the real one.
func wrapper(t *testing.T, script string) *rig {
	t.Helper()
	return newRig(t, func(o *optionsOf) {
		path := filepath.Join(t.TempDir(), "terraform")
		text := "#!/bin/sh\nreal() { exec '" + o.Binary.Path + "' \"$@\"; }\n" + script
		require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
		o.Binary.Path = path
	})
}

// A terraform that is deaf to SIGINT is killed, with all that it has started.
func TestDeafTerraform(t *testing.T) {
	t.Parallel()
	began := filepath.Join(t.TempDir(), "began")
	p := wrapper(t, `case "$1" in apply) trap '' INT TERM; touch '`+began+`'; sleep 1000; sleep 1000;; esac; real "$@"`)
	rec := &recorder{archive: pack(t, map[string]string{"main.tf": running("true")})}
	ctx, cancel := context.WithCancel(within(t, time.Minute))
	done := make(chan error, 1)
	s := rec.session()
	go func() {
		_, err := p.Build(ctx, buildJob(rec.archive, api.TransitionStart, nil), s)
		done <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(began); return err == nil }, 30*time.Second, 5*time.Millisecond)
	cancel()
	select {
	case err := <-done:
		t.Fatal("it was not deaf: ", err)
	case <-time.After(200 * time.Millisecond): // SIGINT has come and was ignored
	}
	close(rec.kill)
	require.ErrorIs(t, <-done, context.Canceled)
	require.Empty(t, inDir(t, p.work), "nothing runs on")
}

// How a terraform dies is told in plain words.
func TestTerraformDies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, want string }{
		"out of memory": {`case "$1" in apply) kill -KILL $$;; esac; real "$@"`, "Terraform was killed (signal 9); the machine may be out of memory"},
		"crash":         {`case "$1" in apply) kill -SEGV $$;; esac; real "$@"`, "ended by signal " + strconv.Itoa(int(syscall.SIGSEGV))},
		"no json":       {`case "$1" in apply) echo '{"@level":"info","@mess'; echo '{}{}[]'; printf '\001\377{"a"'; echo; echo "it broke" >&2; exit 3;; esac; real "$@"`, "it broke"},
		"nothing":       {`case "$1" in apply) exit 7;; esac; real "$@"`, "exit status 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := wrapper(t, c.script)
			rec := &recorder{archive: pack(t, map[string]string{"main.tf": running("true")})}
			seed := []byte(`{"version":4,"terraform_version":"1.5.0","serial":3,"lineage":"l","outputs":{},"resources":[]}`)
			_, err := p.Build(within(t, time.Minute), buildJob(rec.archive, api.TransitionStart, seed), rec.session())
			var f *provisionerd.Failure
			require.ErrorAs(t, err, &f, rec.text())
			require.Contains(t, f.Message, c.want)
			state, err := p.Salvage()
			require.NoError(t, err)
			require.Equal(t, string(seed), string(state))
		})
	}
}

// Names and values that mean something elsewhere are text here.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{"main.tf": header + `
variable "TF_CLI_ARGS" {}
variable "LD_PRELOAD" {}
data "coder_parameter" "p" {
  name    = "TF_LOG"
  type    = "string"
  default = ""
}
output "all" { value = [var.TF_CLI_ARGS, var.LD_PRELOAD, data.coder_parameter.p.value] }
resource "terraform_data" "x" { input = [var.TF_CLI_ARGS, var.LD_PRELOAD, data.coder_parameter.p.value] }
`})
	hostile := "\"\n}\nresource \"terraform_data\" \"evil\" {} # ${file(\"/etc/passwd\")} %{ for x in [] }"
	rec := &recorder{archive: archive}
	job := buildJob(archive, api.TransitionStart, nil, api.ParameterValue{Name: "TF_LOG", Value: hostile})
	long := strings.Repeat("x", 1<<20)
	job.Build.Variables = []api.VariableValue{{Name: "TF_CLI_ARGS", Value: hostile}, {Name: "LD_PRELOAD", Value: long}}
	res, err := p.Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	require.Len(t, res.Resources, 1, "no value became code")
	require.Contains(t, string(res.State), long)
	require.Contains(t, string(res.State), `${file(\"/etc/passwd\")}`, "it is text")
	require.NotContains(t, string(res.State), "root:")

	for value, want := range map[string]string{long: `"TF_LOG" has 1048576 bytes`, "a\x00b": `"TF_LOG" holds a zero byte`} {
		rec := &recorder{archive: archive}
		job := buildJob(archive, api.TransitionStart, nil, api.ParameterValue{Name: "TF_LOG", Value: value})
		job.Build.Variables = []api.VariableValue{{Name: "TF_CLI_ARGS"}, {Name: "LD_PRELOAD"}}
		_, err := p.Build(within(t, time.Minute), job, rec.session())
		var f *provisionerd.Failure
		require.ErrorAs(t, err, &f)
		require.Contains(t, f.Message, want)
	}
}

// Only what the operator's list names passes, and never what is the server's.
func TestEnvironmentList(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "env")
	p := newRig(t, func(o *optionsOf) {
		o.Environ = append(o.Environ, "DEPLOY_KEY=hidden", "CREDENTIALS_DIRECTORY=/run/hidden", "KUBECONFIG=/k")
		o.EnvAllow = []string{"AWS_*", "KUBECONFIG"}
	})
	rec := &recorder{archive: pack(t, map[string]string{"main.tf": running("env >" + out)})}
	_, err := p.Build(within(t, time.Minute), buildJob(rec.archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err, rec.text())
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotContains(t, string(b), "hidden")
	require.NotContains(t, string(b), "secret")
	require.Contains(t, string(b), "AWS_REGION=here")
	require.Contains(t, string(b), "KUBECONFIG=/k")
	require.Contains(t, string(b), "HOME="+p.work)
}

// HOME is a private directory, unless the operator names it.
func TestHomeOfTheOperator(t *testing.T) {
	t.Parallel()
	out, home := filepath.Join(t.TempDir(), "env"), t.TempDir()
	p := newRig(t, func(o *optionsOf) {
		o.Environ = append(o.Environ, "HOME="+home)
		o.EnvAllow = []string{"HOME"}
	})
	rec := &recorder{archive: pack(t, map[string]string{"main.tf": running("env >" + out)})}
	_, err := p.Build(within(t, time.Minute), buildJob(rec.archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err, rec.text())
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(b), "HOME="+home+"\n")
}
