// Package tokens holds `coder tokens`: API tokens of people and scripts. A token
// is printed once, when it is made; nothing here can read it again.
package tokens

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder tokens`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "tokens", Aliases: []string{"token"}, Short: "Manage API tokens"},
		create(env), list(env), view(env), remove(env))
}

func create(env *cli.Env) *cobra.Command {
	var lifetime, name, user string
	var scopes, allow []string
	cmd := &cobra.Command{Use: "create", Short: "Make a token and print it", Args: cli.Exactly()}
	fs := cmd.Flags()
	fs.StringVar(&lifetime, "lifetime", "", "how long the token is valid: 24h, 30d, 1y (default: the deployment's)")
	cli.Bind(fs, "lifetime", "CODER_TOKEN_LIFETIME")
	fs.StringVarP(&name, "name", "n", "", "name of the token")
	cli.Bind(fs, "name", "CODER_TOKEN_NAME")
	fs.StringVarP(&user, "user", "u", api.Me, "whose token it is")
	cli.Bind(fs, "user", "CODER_TOKEN_USER")
	cli.List(fs, &scopes, "scope", "", "what the token may do (default all)")
	cli.List(fs, &allow, "allow", "", "the only things it may touch, as type:id, such as workspace:<uuid> or template:* (default all)")
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		r := api.CreateTokenRequest{TokenName: name, Scopes: scopes}
		for _, entry := range allow {
			typ, id, ok := strings.Cut(entry, ":")
			if !ok {
				return cli.Usage("allow", fmt.Sprintf("%q is not of the form type:id, such as workspace:* or workspace:<uuid>.", cli.Inert(entry)))
			}
			r.AllowList = append(r.AllowList, api.AllowListTarget{Type: typ, ID: id})
		}
		if lifetime != "" {
			d, err := cli.ParseDuration(lifetime)
			if err != nil || d <= 0 {
				return cli.Usage("lifetime", fmt.Sprintf("%q is not a duration such as 24h, 30d or 1y.", cli.Inert(lifetime)))
			}
			r.Lifetime = d
		}
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		k, err := c.CreateToken(ctx, user, r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(env.Stdout, k.Key.Reveal())
		return err
	})
	return cmd
}

func output() *cli.Output[api.Key] {
	return &cli.Output[api.Key]{
		Columns: []cli.Column[api.Key]{
			{Name: "id", Value: func(k api.Key) string { return k.ID }},
			{Name: "name", Value: func(k api.Key) string { return k.TokenName }},
			{Name: "scopes", Value: func(k api.Key) string { return strings.Join(scopesOf(k), ", ") }},
			{Name: "allow list", Value: allowed},
			{Name: "last used", Value: func(k api.Key) string { return cli.TimeOr(k.LastUsed, "never") }},
			{Name: "expires at", Value: func(k api.Key) string { return cli.Time(k.ExpiresAt) }},
			{Name: "created at", Value: func(k api.Key) string { return cli.Time(k.CreatedAt) }},
			{Name: "owner", Value: func(k api.Key) string { return k.Username }},
		},
		Default: []string{"id", "name", "scopes", "allow list", "last used", "expires at", "created at"},
		Empty:   "No tokens. Make one with: coder tokens create --name <name>",
	}
}

// allowed is the allow-list of a key; a server that has none allows everything.
func allowed(k api.Key) string {
	if len(k.AllowList) == 0 {
		return "*:*"
	}
	entries := make([]string, len(k.AllowList))
	for i, a := range k.AllowList {
		entries[i] = a.Type + ":" + a.ID
	}
	return strings.Join(entries, ", ")
}

func scopesOf(k api.Key) []string {
	if len(k.Scopes) == 0 && k.Scope != "" {
		return []string{k.Scope}
	}
	return k.Scopes
}

func list(env *cli.Env) *cobra.Command {
	out := output()
	var all, expired bool
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List tokens", Args: cli.Exactly()}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "tokens of all users")
	cmd.Flags().BoolVar(&expired, "include-expired", false, "expired tokens too")
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		keys, err := c.Tokens(ctx, api.Me, client.TokensFilter{All: all, Expired: expired})
		if err != nil {
			return err
		}
		if !expired { // a server that does not know the filter sends them all
			now := env.Clock.Now()
			live := keys[:0]
			for _, k := range keys {
				if k.ExpiresAt.IsZero() || k.ExpiresAt.After(now.Add(-time.Minute)) {
					live = append(live, k)
				}
			}
			keys = live
		}
		return out.Print(env, keys)
	})
	return cmd
}

func view(env *cli.Env) *cobra.Command {
	out := output()
	out.Default = append(out.Default, "owner")
	cmd := &cobra.Command{Use: "view <name|id>", Short: "Show one token", Args: cli.Exactly("name|id")}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		k, err := find(ctx, c, args[0])
		if err != nil {
			return err
		}
		return out.Print(env, []api.Key{k})
	})
	return cmd
}

// find takes a name, an id, or a whole token, of which only the id is sent. An id
// may be that of somebody else's token, where the caller may see it.
func find(ctx context.Context, c *client.Client, ref string) (api.Key, error) {
	if id, _, ok := strings.Cut(ref, "-"); ok && len(ref) == 33 && len(id) == 10 {
		ref = id
	}
	k, err := c.TokenByName(ctx, api.Me, ref)
	if api.CodeOf(err) != api.CodeNotFound {
		return k, err
	}
	if byID, idErr := c.Key(ctx, api.Me, ref); idErr == nil {
		return byID, nil
	}
	all, listErr := c.Tokens(ctx, api.Me, client.TokensFilter{All: true, Expired: true})
	if listErr != nil {
		return k, err
	}
	for _, other := range all {
		if other.ID == ref {
			return other, nil
		}
	}
	return k, err
}

func remove(env *cli.Env) *cobra.Command {
	var drop bool
	cmd := &cobra.Command{Use: "remove <name|id|token>", Aliases: []string{"delete", "rm"},
		Short: "Make a token useless at once", Args: cli.Exactly("name|id|token")}
	cmd.Flags().BoolVar(&drop, "delete", false, "delete the record too instead of keeping it as expired")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		k, err := find(ctx, c, args[0])
		if err != nil {
			return err
		}
		if drop {
			err = c.DeleteKey(ctx, k.UserID.String(), k.ID)
		} else {
			err = c.ExpireKey(ctx, k.UserID.String(), k.ID)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(env.Stdout, "The token is no longer valid.")
		return err
	})
	return cmd
}
