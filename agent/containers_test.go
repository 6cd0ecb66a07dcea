//go:build linux

package agent_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/agent"
	"coder.internal/agent/agenttest"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// docker plays the program: it lists what is in a file, and runs what it is to run
// in a container right here, after saying with which user and folder.
const docker = `#!/bin/sh
dir=${0%/*}
case "$1" in
ps) sed -n 's/.*"Id": *"\([^"]*\)".*/\1/p' "$dir/list" ;;
inspect)
	case "$*" in
	*--format*) echo '[{"remoteUser": "root"}, {"remoteUser": "dev", "remoteEnv": {"A": "b c", "P": "${containerEnv:PATH}"}}]' ;;
	*) cat "$dir/list" ;;
	esac ;;
rm) echo "$@" >"$dir/removed"; echo '[]' >"$dir/list" ;;
exec)
	shift
	while :; do
		case "$1" in
		--user | --workdir) echo "$1 $2"; shift 2 ;;
		--env) export "$2"; shift 2 ;;
		--*) shift ;;
		*) shift; break ;;
		esac
	done
	exec "$@" ;;
esac
`

// boxed is an agent with one dev container of the template, whose programs stand in
// a directory that the test writes to.
type boxed struct {
	*running
	cp   *agenttest.Server
	bin  string
	dev  agentrpc.Devcontainer
	base string
}

func newBoxed(t *testing.T) *boxed {
	t.Helper()
	home := t.TempDir()
	b := &boxed{bin: t.TempDir(), dev: agentrpc.Devcontainer{ID: api.NewID(), Name: "dev", WorkspaceFolder: "~/project"}}
	for _, dir := range []string{"project", "other/.git", "other/.devcontainer"} {
		require.NoError(t, os.MkdirAll(filepath.Join(home, dir), 0o700))
	}
	require.NoError(t, os.WriteFile(filepath.Join(home, "other/.devcontainer/devcontainer.json"), []byte("{}"), 0o600))
	b.program(t, "docker", docker)
	b.program(t, "devcontainer", "#!/bin/sh\necho \"$@\"\n")
	b.containers(t, filepath.Join(home, "project"), true)
	b.cp = agenttest.New(t, agentrpc.Manifest{Devcontainers: []agentrpc.Devcontainer{b.dev}, Directory: "~"})
	b.running = run(t, b.cp, func(o *agent.Options) {
		o.Environ = []string{"HOME=" + home, "PATH=" + b.bin + ":" + os.Getenv("PATH")}
	})
	b.home = home
	b.cp.WaitLifecycle(api.LifecycleReady)
	b.base = "http://127.0.0.1:" + b.net.port(t, agentrpc.PortInspect)
	return b
}

func (b *boxed) program(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(b.bin, name), []byte(text), 0o700)) //nolint:gosec // a program
}

func (b *boxed) containers(t *testing.T, folder string, running bool) {
	t.Helper()
	list := []map[string]any{{"Id": "0123456789abcdef", "Name": "/box", "Created": time.Now().Add(-time.Hour),
		"State":           map[string]any{"Running": running, "Status": "running"},
		"Config":          map[string]any{"Image": "debian", "Labels": map[string]string{"devcontainer.local_folder": folder}},
		"Mounts":          []map[string]string{{"Source": folder, "Destination": "/workspaces/project"}},
		"NetworkSettings": map[string]any{"Ports": map[string]any{"80/tcp": []map[string]string{{"HostIp": "127.0.0.1", "HostPort": "8080"}}}}}}
	text, err := json.Marshal(list)
	require.NoError(t, err)
	text = []byte(strings.ReplaceAll(string(text), `,"`, ",\n\"")) // the program reads lines
	require.NoError(t, os.WriteFile(filepath.Join(b.bin, "list"), text, 0o600))
}

func (b *boxed) ask(t *testing.T, method, path string, status int, into any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, status, res.StatusCode)
	require.NoError(t, json.NewDecoder(res.Body).Decode(into))
}

// until lists until ok holds.
func (b *boxed) until(t *testing.T, what string, ok func(api.AgentContainers) bool) api.AgentContainers {
	t.Helper()
	var all api.AgentContainers
	require.Eventually(t, func() bool {
		all = api.AgentContainers{}
		b.ask(t, http.MethodGet, agentrpc.PathContainers, http.StatusOK, &all)
		return ok(all)
	}, 30*time.Second, 50*time.Millisecond, "%s", what)
	return all
}

// TestContainers: those that run are listed with what belongs to them, dev
// containers are found, made anew and removed, and an engine that is not there is
// a warning.
func TestContainers(t *testing.T) {
	t.Parallel()
	b := newBoxed(t)
	all := b.until(t, "both dev containers", func(all api.AgentContainers) bool {
		return len(all.Devcontainers) == 2 && all.Devcontainers[0].Status == api.DevcontainerRunning
	})
	require.Len(t, all.Containers, 1)
	c := all.Containers[0]
	require.Equal(t, "box", c.Name)
	require.Equal(t, []api.AgentContainerPort{{Port: 80, Network: "tcp", HostIP: "127.0.0.1", HostPort: 8080}}, c.Ports)
	require.Equal(t, b.dev.ID, all.Devcontainers[0].ID)
	require.Equal(t, c.ID, all.Devcontainers[0].Container.ID)
	found := all.Devcontainers[1]
	require.Equal(t, "other", found.Name)
	require.Equal(t, api.DevcontainerStopped, found.Status)
	require.Equal(t, filepath.Join(b.home, "other/.devcontainer/devcontainer.json"), found.ConfigPath)

	var answer api.Response
	b.ask(t, http.MethodPost, agentrpc.PathDevcontainers+found.ID.String()+"/recreate", http.StatusAccepted, &answer)
	b.cp.Wait("the start of what was found", func(r agenttest.Record) bool {
		return strings.Contains(strings.Join(r.Lines(found.ID), "\n"), "--workspace-folder "+filepath.Join(b.home, "other")+" --remove-existing-container --config ")
	})
	b.program(t, "devcontainer", "#!/bin/sh\nexit 3\n")
	b.until(t, "its end", func(all api.AgentContainers) bool { return all.Devcontainers[1].Status == api.DevcontainerStopped })
	b.ask(t, http.MethodPost, agentrpc.PathDevcontainers+found.ID.String()+"/recreate", http.StatusAccepted, &answer)
	all = b.until(t, "the error", func(all api.AgentContainers) bool { return all.Devcontainers[1].Status == api.DevcontainerError })
	require.Contains(t, all.Devcontainers[1].Error, "exit code 3")

	b.ask(t, http.MethodDelete, agentrpc.PathDevcontainers+b.dev.ID.String(), http.StatusAccepted, &answer)
	b.until(t, "the removal", func(all api.AgentContainers) bool {
		return len(all.Containers) == 0 && all.Devcontainers[0].Status == api.DevcontainerStopped
	})
	removed, err := os.ReadFile(filepath.Join(b.bin, "removed"))
	require.NoError(t, err)
	require.Equal(t, "rm --force -- 0123456789abcdef\n", string(removed))

	var e api.Error
	b.ask(t, http.MethodDelete, agentrpc.PathDevcontainers+b.dev.ID.String(), http.StatusConflict, &e)
	b.ask(t, http.MethodDelete, agentrpc.PathDevcontainers+api.NewID().String(), http.StatusNotFound, &e)
	b.ask(t, http.MethodDelete, agentrpc.PathDevcontainers+"x", http.StatusBadRequest, &e)
	b.program(t, "docker", "#!/bin/sh\necho 'Cannot connect to the Docker daemon.' >&2\nexit 1\n")
	all = b.until(t, "the warning", func(all api.AgentContainers) bool { return len(all.Warnings) > 0 })
	require.Contains(t, all.Warnings[0], "Cannot connect to the Docker daemon.")
}

// TestSessionInContainer: the user, the folder and the variables of the dev
// container are used; what the client says in words goes in as it is.
func TestSessionInContainer(t *testing.T) {
	t.Parallel()
	b := newBoxed(t)
	in := func(env string) string { return "SetEnv=" + env }
	for _, name := range []string{"box", "0123456789ab", "dev"} {
		require.Equal(t, "--user dev\n--workdir /workspaces/project\nin 0123456789abcdef b c a;$(b)\n",
			b.ssh(t, `echo in $CONTAINER_ID $A "$MINE"`, "-o", in(`CODER_CONTAINER=`+name+` MINE=a;$(b)`)))
	}
	require.Contains(t, b.ssh(t, "true", "-o", in("CODER_CONTAINER=box CODER_CONTAINER_USER=ann")), "--user ann\n")
	for env, why := range map[string]string{
		"CODER_CONTAINER=nothing":                      "no container nothing",
		"CODER_CONTAINER=--privileged":                 "container",
		"CODER_CONTAINER=box CODER_CONTAINER_USER=-x":  "container_user",
		"CODER_CONTAINER=box/x":                        "container",
		"CODER_CONTAINER=box CODER_CONTAINER_USER=a=b": "container_user",
	} {
		out, err := b.client(t.Context(), t, "echo never", "-o", in(env)).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", out)
		require.Equal(t, 126, exit.ExitCode())
		require.Contains(t, string(out), why)
		require.NotContains(t, string(out), "never")
	}
	out, err := b.client(t.Context(), t, "exit 7", "-o", in("CODER_CONTAINER=box")).CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	require.Equal(t, 7, exit.ExitCode())
}
