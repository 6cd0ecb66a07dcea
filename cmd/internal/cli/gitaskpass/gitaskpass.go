// Package gitaskpass is `coder gitaskpass`, which Git runs in a workspace instead
// of asking on the terminal for a user name and password: it answers with a token
// of the workspace's owner. While the owner has not signed in, it prints where to,
// once, and waits.
//
// For hosts that no provider is for it says so and fails, and Git asks itself. It
// keeps nothing.
package gitaskpass

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

const (
	patience = 10 * time.Minute // for the user to sign in
	pause    = 2 * time.Second  // between questions that a server could not answer
)

// Command is `coder gitaskpass`, hidden because Git starts it, not people.
func Command(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "gitaskpass <prompt>", Short: "Answer Git with a token of the workspace's owner",
		Hidden: true, Args: cli.Exactly("prompt")}
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
		defer stop()
		return run(ctx, env, args[0])
	})
	return cmd
}

var prompt = regexp.MustCompile(`^(Username|Password) for '([^']+)': ?$`)

func run(ctx context.Context, env *cli.Env, text string) error {
	m := prompt.FindStringSubmatch(text)
	if m == nil {
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("This is no question of Git for a user name or password: %s", cli.Inert(text))}
	}
	c, err := env.AgentClient(ctx)
	if err != nil {
		return err
	}
	q := client.ExternalAuthQuery{Match: m[2]}
	if u, err := url.Parse(m[2]); err == nil && u.User != nil {
		u.User = nil // whose password it is does not matter
		q.Match = u.String()
	}
	res, err := c.ExternalAuth(ctx, q)
	if err == nil && res.URL != "" {
		fmt.Fprintf(env.Stderr, "coder: sign in for Git to go on: %s\n", cli.Inert(res.URL))
		q.Listen = true
		res, err = wait(ctx, env, c, q)
	}
	if err != nil {
		return err
	}
	answer := res.Username
	if m[1] == "Password" {
		answer = res.Password.Reveal()
	}
	if answer != cli.Inert(answer) {
		return errors.New("the answer of the server holds characters that no user name or password has")
	}
	_, err = fmt.Fprintln(env.Stdout, answer)
	return err
}

// wait asks until the owner has signed in. A server that is away meanwhile is asked
// again.
func wait(ctx context.Context, env *cli.Env, c *client.AgentClient, q client.ExternalAuthQuery) (agentrpc.ExternalAuthResponse, error) {
	limit := env.Clock.NewTimer(patience)
	defer limit.Stop()
	for {
		began := env.Clock.Now()
		res, err := c.ExternalAuth(ctx, q)
		code := api.CodeOf(err)
		if err == nil && res.URL == "" || ctx.Err() != nil || code != "" && code != api.CodeUnavailable && code != api.CodeInternal {
			return res, err
		}
		rest := env.Clock.NewTimer(max(time.Millisecond, pause-env.Clock.Since(began)))
		select {
		case <-rest.C:
		case <-limit.C:
			rest.Stop()
			return res, &api.Error{Code: api.CodeUnavailable, Message: "Nobody has signed in for ten minutes. Sign in, then run the Git command again."}
		case <-ctx.Done():
			rest.Stop()
			return res, ctx.Err()
		}
	}
}
