// Package sessions holds `coder sessions`: where somebody is signed in, and ending
// that. API tokens are the business of package tokens.
package sessions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder sessions`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "sessions", Aliases: []string{"session"}, Short: "See where you are signed in, and end it"},
		list(env), revoke(env))
}

// session is a key as `sessions list` prints it.
type session struct {
	api.Key
	// Current says that this command line uses it.
	Current bool `json:"current"`
}

func output() *cli.Output[session] {
	return &cli.Output[session]{
		Columns: []cli.Column[session]{
			{Name: "id", Value: func(s session) string { return s.ID }},
			{Name: "current", Value: func(s session) string {
				if s.Current {
					return "yes"
				}
				return ""
			}},
			{Name: "login type", Value: func(s session) string { return string(s.LoginType) }},
			{Name: "last used", Value: func(s session) string { return cli.Time(s.LastUsed) }},
			{Name: "expires at", Value: func(s session) string { return cli.Time(s.ExpiresAt) }},
			{Name: "created at", Value: func(s session) string { return cli.Time(s.CreatedAt) }},
		},
		Default: []string{"id", "current", "last used", "expires at", "created at"},
		Empty:   "No sessions.",
	}
}

// load lists the sessions of a user, and marks the one that this command line uses.
func load(ctx context.Context, env *cli.Env, user string) (*client.Client, []session, error) {
	c, err := env.Client(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := c.Sessions(ctx, user)
	if err != nil {
		return nil, nil, err
	}
	token, err := env.Token()
	if err != nil {
		return nil, nil, err
	}
	own, _, _ := strings.Cut(token.Reveal(), "-")
	out := make([]session, len(keys))
	for i, k := range keys {
		out[i] = session{Key: k, Current: k.ID == own}
	}
	return c, out, nil
}

func list(env *cli.Env) *cobra.Command {
	out := output()
	user := api.Me
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List sessions: browsers and command lines that are signed in", Args: cli.Exactly()}
	cmd.Flags().StringVarP(&user, "user", "u", api.Me, "whose sessions")
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		_, all, err := load(ctx, env, user)
		if err != nil {
			return err
		}
		return out.Print(env, all)
	})
	return cmd
}

func revoke(env *cli.Env) *cobra.Command {
	var others, yes bool
	user := api.Me
	cmd := &cobra.Command{Use: "revoke [id...]", Aliases: []string{"remove", "delete", "rm"}, Short: "End sessions at once"}
	fs := cmd.Flags()
	fs.StringVarP(&user, "user", "u", api.Me, "whose sessions")
	fs.BoolVar(&others, "others", false, "all but the one that this command uses")
	cli.Yes(fs, &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if others == (len(args) > 0) {
			return cli.Usage("id", "Name sessions by their id, see: coder sessions list. Or use --others.")
		}
		c, all, err := load(ctx, env, user)
		if err != nil {
			return err
		}
		end, err := chosen(all, args)
		if err != nil {
			return err
		}
		if len(end) == 0 {
			_, err := fmt.Fprintln(env.Stderr, "There is no other session.")
			return err
		}
		if err := env.Confirm(ctx, yes, question(end)); err != nil {
			return err
		}
		for _, s := range end {
			if err := c.DeleteKey(ctx, user, s.ID); err != nil {
				return fmt.Errorf("end session %s: %w", s.ID, err)
			}
			fmt.Fprintf(env.Stdout, "Session %s was ended.\n", s.ID)
		}
		return nil
	})
	return cmd
}

// chosen are the sessions with these ids, or without ids those not in use here. The
// current one comes last: without it nothing else could be ended.
func chosen(all []session, ids []string) ([]session, error) {
	var out []session
	for _, s := range all {
		if slices.Contains(ids, s.ID) || len(ids) == 0 && !s.Current {
			out = append(out, s)
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(s session) bool { return s.ID == id }) {
			return nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf(
				"There is no session %q. See: coder sessions list. Tokens are removed with: coder tokens remove", cli.Inert(id))}
		}
	}
	slices.SortStableFunc(out, func(a, b session) int {
		switch {
		case a.Current == b.Current:
			return 0
		case a.Current:
			return 1
		}
		return -1
	})
	return out, nil
}

func question(end []session) string {
	text := fmt.Sprintf("End %d sessions?", len(end))
	if len(end) == 1 {
		text = "End session " + end[0].ID + "?"
	}
	if end[len(end)-1].Current {
		text += " This command line will be signed out."
	}
	return text
}
