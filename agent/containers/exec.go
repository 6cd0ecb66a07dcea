package containers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"coder.internal/agent/child"
	"coder.internal/api"
)

// Session is what somebody wants to run in a container.
type Session struct {
	// Container is its name or id, or the name of a dev container.
	Container string
	// User in the container; empty is that of the dev container, or of the image.
	User string
	// Line is a command for the user's shell; empty is an interactive login shell.
	Line string
	// Environ are variables for inside of it.
	Environ []string
	TTY     bool
}

var (
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$`)
	userName      = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.:@-]{0,63}$`)
)

// shell finds the user's shell inside, where little may be installed, and becomes
// it: a login shell, or one with the first argument as its command.
const shell = `u=$(id -u); s=
while IFS=: read -r _ _ i _ _ _ x; do if [ "$i" = "$u" ]; then s=$x; break; fi; done </etc/passwd
[ -x "$s" ] || s=/bin/sh
export SHELL="$s"
if [ $# -gt 0 ]; then exec "$s" -c "$1"; fi
exec "$s" -l`

// Command prepares a session. It blocks while the engine is asked for the container,
// for 15 s at most. Signals reach the docker program, not what runs inside; with a
// terminal, its end does.
func (c *Containers) Command(ctx context.Context, s Session) (*exec.Cmd, error) {
	if !containerName.MatchString(s.Container) {
		return nil, api.Invalid("container", "give the name or id of a container")
	}
	if s.User != "" && !userName.MatchString(s.User) {
		return nil, api.Invalid("container_user", "give the name or number of a user")
	}
	at, err := c.resolve(ctx, s.Container)
	if err != nil {
		return nil, err
	}
	args := []string{"exec", "--interactive"}
	if s.TTY {
		args = append(args, "--tty")
	}
	inside := c.metadata(ctx, at.ID)
	if user := cmp.Or(s.User, inside.user); user != "" {
		args = append(args, "--user", user)
	}
	if dir := at.Volumes[at.Labels[labelFolder]]; dir != "" {
		args = append(args, "--workdir", dir)
	}
	for _, kv := range child.Merge(inside.environ, s.Environ, []string{"CONTAINER_ID=" + at.ID}) {
		args = append(args, "--env", kv)
	}
	args = append(args, at.ID, "/bin/sh", "-c", shell, "sh")
	if s.Line != "" {
		args = append(args, s.Line)
	}
	return c.command(args...)
}

// resolve finds a running container.
func (c *Containers) resolve(ctx context.Context, name string) (api.AgentContainer, error) {
	all, err := c.List(ctx)
	if err != nil {
		return api.AgentContainer{}, err
	}
	var found *api.AgentContainer
	for i, a := range all.Containers {
		if a.Name == name || a.ID == name || len(name) >= 12 && strings.HasPrefix(a.ID, name) {
			found = &all.Containers[i]
		}
	}
	for _, d := range all.Devcontainers {
		if found == nil && d.Name == name && d.Container != nil {
			found = d.Container
		}
	}
	switch {
	case found == nil && len(all.Warnings) > 0:
		return api.AgentContainer{}, api.Conflict(fmt.Sprintf("The container %s was not found: %s", name, all.Warnings[0]))
	case found == nil:
		return api.AgentContainer{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("There is no container %s in this workspace.", name)}
	case !found.Running:
		return api.AgentContainer{}, api.Conflict(fmt.Sprintf("The container %s is not running.", name))
	}
	return *found, nil
}

// inside is what the devcontainer program has written down for sessions.
type inside struct {
	user    string
	environ []string
}

// metadata is best effort: a container without it has none of its own.
func (c *Containers) metadata(ctx context.Context, id string) (out inside) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	text, err := c.docker(ctx, "inspect", "--type", "container", "--format", `{{index .Config.Labels "`+labelMetadata+`"}}`, "--", id)
	if err != nil {
		return out
	}
	var parts []struct {
		RemoteUser string            `json:"remoteUser"`
		RemoteEnv  map[string]string `json:"remoteEnv"`
	}
	if json.Unmarshal(text, &parts) != nil {
		return out
	}
	for _, p := range parts { // later ones win
		if userName.MatchString(p.RemoteUser) {
			out.user = p.RemoteUser
		}
		for name, value := range p.RemoteEnv {
			if !strings.Contains(value, "${") { // what refers to others is for the program
				out.environ = append(out.environ, name+"="+value)
			}
		}
	}
	return out
}
