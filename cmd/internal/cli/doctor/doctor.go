// Package doctor is `coder doctor`, also named `coder netcheck`: it walks from
// this machine to the deployment and, where a workspace is named, to its agent,
// and says which hop is the first that does not work and what to do about it.
//
// On a person's computer it asks with the session, where there is one; in a
// workspace with the agent's token. Without either it walks as far as anybody
// may. It changes nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/derp/netcheck"
)

// Command is `coder doctor`.
func Command(env *cli.Env) *cobra.Command {
	format, timeout := "table", netcheck.DefaultTimeout
	cmd := &cobra.Command{Use: "doctor [workspace]", Aliases: []string{"netcheck"},
		Short: "Find what is wrong on the way to the deployment or a workspace",
		Example: "  coder doctor                  the way to the deployment\n" +
			"  coder doctor my-workspace     and on to the agent of a workspace\n" +
			"  coder doctor --output json    for programs; the exit status is 1 when a hop failed",
		Args: cobra.MaximumNArgs(1)}
	fs := cmd.Flags()
	cli.Enum(fs, &format, "output", "o", "output format", "table", "json")
	fs.DurationVarP(&timeout, "timeout", "t", timeout, "how long one hop may take, up to 1m")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if timeout < time.Millisecond || timeout > time.Minute {
			return cli.Usage("timeout", "Give a duration from 1ms to 1m.")
		}
		workspace := ""
		if len(args) == 1 {
			workspace = args[0]
		}
		r, err := Examine(ctx, env, workspace, timeout)
		if err != nil {
			return err
		}
		if format == "json" {
			err = cli.PrintJSON(env.Stdout, r)
		} else {
			err = r.print(env.Stdout)
		}
		if err == nil && !r.Healthy {
			err = &cli.ExitError{Code: 1}
		}
		return err
	})
	return cmd
}

// Report is what Examine found. Side is where it looked from: "computer" or
// "workspace".
type Report struct {
	Side    string `json:"side"`
	Healthy bool   `json:"healthy"`
	// FailedStep is the first hop that failed, empty for none.
	FailedStep string `json:"failed_step,omitempty"`
	*netcheck.Report
}

// side is where we stand and how we may ask.
type side struct {
	name   string
	client *client.Client
	agent  *client.AgentClient // in a workspace without a session
}

// Examine walks all hops. workspace may be empty. An error means that the walk
// could not begin; what is wrong on the way is in the Report.
func Examine(ctx context.Context, env *cli.Env, workspace string, timeout time.Duration) (*Report, error) {
	var ref cli.Workspace
	var err error
	if workspace != "" {
		if ref, err = cli.ParseWorkspace(workspace); err != nil {
			return nil, err
		}
	}
	s, err := stand(ctx, env)
	if err != nil {
		return nil, err
	}
	tr, err := client.NewTransport(client.TLSFiles{CA: env.Global.TLSCAFile, Cert: env.Global.TLSCertFile, Key: env.Global.TLSKeyFile})
	if err != nil {
		return nil, err
	}
	sign, signed := s.signIn(ctx, timeout)
	c := netcheck.Config{URL: s.client.URL(), Transport: tr.Plain(), Header: s.client.ExtraHeader(), Timeout: timeout,
		NoDirect: env.Global.DisableDirect, Now: func() time.Time { return env.Clock.Now() }}
	if signed && s.agent == nil {
		if info, err := s.client.ConnectionInfo(ctx); err == nil {
			c.Relays = &info.RelayMap
		}
	}
	r := &Report{Side: s.name, Report: netcheck.Run(ctx, c)}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if h, ok := r.Step("http"); !ok || h.Status != netcheck.OK {
		sign = netcheck.Step{Name: "sign-in", Status: netcheck.Skipped, Detail: "not reached"}
		signed = false
	}
	r.Add(sign)
	if signed && s.agent == nil {
		r.Add(serverSteps(ctx, s.client)...)
	}
	if workspace != "" {
		if signed && s.agent == nil {
			r.Add(reachAgent(ctx, env, ref, timeout)...)
		} else {
			r.Add(netcheck.Step{Name: "workspace", Status: netcheck.Skipped, Detail: "not looked for without a session"})
		}
	}
	failed, bad := r.FirstFailure()
	r.Healthy, r.FailedStep = !bad, failed.Name
	return r, nil
}

// stand finds out where we are. A session wins over the agent's token: a person
// in a workspace may be signed in to any deployment.
func stand(ctx context.Context, env *cli.Env) (side, error) {
	token, err := env.Token()
	if err != nil {
		return side{}, err
	}
	if token == "" && env.Global.AgentURL != "" {
		ac, err := env.AgentClient(ctx)
		if err == nil {
			u, err := cli.ParseURL(ac.URL)
			if err != nil {
				return side{}, err
			}
			c, err := env.ClientFor(ctx, u, "")
			return side{name: "workspace", client: c, agent: ac}, err
		}
	}
	c, err := env.Deployment(ctx)
	name := "computer"
	if env.Getenv("CODER_WORKSPACE_NAME") != "" {
		name = "workspace"
	}
	return side{name: name, client: c}, err
}

// signIn says whom the server takes us for.
func (s side) signIn(ctx context.Context, timeout time.Duration) (netcheck.Step, bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	step := netcheck.Step{Name: "sign-in", Status: netcheck.OK}
	start := time.Now()
	var err error
	switch {
	case s.agent != nil:
		m, merr := s.agent.Manifest(ctx)
		err = merr
		step.Detail = "agent " + m.AgentName + " of " + m.OwnerName + "/" + m.WorkspaceName
		if m.BlockDirect {
			step.Detail += "; the deployment allows relays only"
		}
	case s.client.Token() == "":
		return netcheck.Step{Name: "sign-in", Status: netcheck.Skipped, Detail: "nobody is signed in here",
			Cure: "Sign in with: coder login " + s.client.URL().Redacted()}, false
	default:
		u, uerr := s.client.User(ctx, api.Me)
		err = uerr
		step.Detail = "signed in as " + u.Username
	}
	step.Took = time.Since(start)
	if err == nil {
		return step, true
	}
	step.Status, step.Detail = netcheck.Failed, firstLine(err)
	switch {
	case api.CodeOf(err) != api.CodeUnauthenticated:
		step.Cure = "Look at the log of the server."
	case s.agent != nil:
		step.Cure = "Restart the workspace; its agent then gets a new token."
	default:
		step.Cure = "Sign in again with: coder login " + s.client.URL().Redacted()
	}
	return step, false
}

// serverSteps are what the deployment says of itself, to those who may ask.
func serverSteps(ctx context.Context, c *client.Client) []netcheck.Step {
	start := time.Now()
	h, err := c.Health(ctx, true)
	switch api.CodeOf(err) {
	case api.CodeForbidden, api.CodeNotFound:
		return []netcheck.Step{{Name: "server", Status: netcheck.Skipped, Detail: "its health is for administrators"}}
	}
	if err != nil {
		return []netcheck.Step{{Name: "server", Status: netcheck.Failed, Detail: firstLine(err), Cure: "Look at the log of the server."}}
	}
	steps := []netcheck.Step{}
	for _, part := range []struct {
		name string
		s    api.HealthSection
	}{
		{"access url", h.AccessURL.HealthSection}, {"database", h.Database.HealthSection}, {"relay", h.DERP},
		{"websocket", h.Websocket}, {"daemons", h.Daemons.HealthSection},
	} {
		if len(part.s.Warnings) == 0 {
			continue
		}
		status := netcheck.Warning
		if part.s.Severity == api.HealthError {
			status = netcheck.Failed
		}
		for _, w := range part.s.Warnings {
			what, cure, _ := strings.Cut(w.Message, ". ")
			steps = append(steps, netcheck.Step{Name: "server", Status: status, Cure: strings.TrimSpace(cure),
				Detail: w.Code + " " + part.name + ": " + strings.TrimSuffix(what, ".")})
		}
	}
	if len(steps) == 0 {
		return []netcheck.Step{{Name: "server", Status: netcheck.OK, Took: time.Since(start),
			Detail: fmt.Sprintf("database %s, %s", h.Database.Latency, count(h.Daemons.Online, "provisioner daemon"))}}
	}
	return steps
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func firstLine(err error) string {
	var ae *api.Error
	text := err.Error()
	if errors.As(err, &ae) {
		text = ae.Message
	}
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, ".")
}
