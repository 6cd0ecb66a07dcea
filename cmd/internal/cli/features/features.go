// Package features holds `coder features` and `coder licenses`. Everything is
// included in every deployment: the first lists what that is, the second says that
// there is nothing to license. It knows no feature itself.
package features

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// row is a feature with its name.
type row struct {
	Name string `json:"name"`
	api.Feature
}

// Command is `coder features`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "features", Aliases: []string{"feature"}, Short: "List what the deployment can do"}, list(env))
}

func list(env *cli.Env) *cobra.Command {
	out := &cli.Output[row]{
		Columns: []cli.Column[row]{
			{Name: "name", Value: func(r row) string { return r.Name }},
			{Name: "entitlement", Value: func(r row) string { return string(r.Entitlement) }},
			{Name: "enabled", Value: func(r row) string { return strconv.FormatBool(r.Enabled) }},
			{Name: "limit", Value: func(r row) string { return number(r.Limit) }},
			{Name: "actual", Value: func(r row) string { return number(r.Actual) }},
		},
		Default: []string{"name", "entitlement", "enabled", "limit", "actual"},
	}
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List features", Args: cli.Exactly()}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		e, err := c.Entitlements(ctx)
		if err != nil {
			return err
		}
		rows := make([]row, 0, len(e.Features))
		for _, name := range slices.Sorted(maps.Keys(e.Features)) {
			rows = append(rows, row{Name: name, Feature: e.Features[name]})
		}
		return out.Print(env, rows)
	})
	return cmd
}

// number is empty where nothing is limited or counted.
func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// included is what the commands about licences say.
const included = "Everything is included: there are no licences. See what there is with: coder features list"

// Licenses is `coder licenses`.
func Licenses(env *cli.Env) *cobra.Command {
	out := &cli.Output[api.License]{
		Columns: []cli.Column[api.License]{
			{Name: "id", Value: func(l api.License) string { return strconv.Itoa(int(l.ID)) }},
			{Name: "uuid", Value: func(l api.License) string { return l.UUID.String() }},
			{Name: "uploaded at", Value: func(l api.License) string { return cli.Time(l.UploadedAt) }},
			{Name: "features", Value: func(api.License) string { return "" }},
			{Name: "expires at", Value: func(api.License) string { return "" }},
			{Name: "trial", Value: func(api.License) string { return "" }},
		},
		Default: []string{"id", "uuid", "expires at", "uploaded at", "features"},
		Empty:   included,
	}
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "Say that there are none", Args: cli.Exactly()}
	out.Flags(list.Flags())
	list.RunE = cli.RunE(func(context.Context, []string) error { return out.Print(env, nil) })
	add := &cobra.Command{Use: "add", Short: "Say that none is needed", Args: cli.Exactly()}
	add.Flags().StringP("file", "f", "", "accepted and not read")
	add.Flags().StringP("license", "l", "", "accepted and not read")
	add.Flags().Bool("debug", false, "accepted, without effect")
	add.RunE = cli.RunE(func(context.Context, []string) error {
		_, err := fmt.Fprintln(env.Stderr, included)
		return err
	})
	return cli.Group(&cobra.Command{Use: "licenses", Aliases: []string{"license"}, Short: "Say that everything is included"}, list, add)
}
