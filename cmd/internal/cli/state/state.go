// Package state holds `coder state`: fetching and replacing the Terraform state of
// a workspace, for those who may edit its template.
package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/progress"
	"coder.internal/cmd/internal/cli/target"
)

// maxState bounds a file that is pushed, in bytes.
const maxState = 64 << 20

// Command is `coder state`.
func Command(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "state", Short: "Fetch or replace the Terraform state of a workspace",
		Long: "Fetch or replace the Terraform state of a workspace. A state holds secrets: only those who may edit the template can use these commands."}
	cmd.AddCommand(pull(env), push(env), strays(env))
	return cmd
}

// find returns the build that the arguments name: that number, or the newest.
func find(ctx context.Context, env *cli.Env, arg string, number int) (*client.Client, api.Workspace, api.WorkspaceBuild, error) {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return nil, api.Workspace{}, api.WorkspaceBuild{}, err
	}
	if number < 0 {
		return nil, api.Workspace{}, api.WorkspaceBuild{}, cli.Usage("build", "Build numbers begin at 1.")
	}
	c, err := env.Client(ctx)
	if err != nil {
		return nil, api.Workspace{}, api.WorkspaceBuild{}, err
	}
	w, err := target.Find(ctx, c, ref)
	if err != nil || number == 0 {
		return c, w, w.LatestBuild, err
	}
	b, err := c.BuildByNumber(ctx, w.OwnerName, w.Name, number)
	if api.CodeOf(err) == api.CodeNotFound {
		err = &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("Workspace %s has no build %d.", cli.Inert(w.Name), number)}
	}
	return c, w, b, err
}

func buildFlag(cmd *cobra.Command, to *int) {
	cmd.Flags().IntVarP(to, "build", "b", 0, "number of the build (default: the newest)")
}

func pull(env *cli.Env) *cobra.Command {
	var number int
	var stray string
	cmd := &cobra.Command{Use: "pull <workspace> [file]", Short: "Write the state of a workspace to a file or standard output",
		Args: fileArgs(false), Example: "  coder state pull dev state.json\n  coder state pull --build 3 dev > old.json"}
	buildFlag(cmd, &number)
	cmd.Flags().StringVar(&stray, "stray", "", "fetch what a late attempt brought instead; its id is in: coder state strays")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, b, err := find(ctx, env, args[0], number)
		if err != nil {
			return err
		}
		var state []byte
		if stray != "" {
			id, perr := api.ParseID(stray)
			if perr != nil {
				return cli.Usage("stray", "This is not an id; see: coder state strays "+cli.Inert(w.Name))
			}
			state, err = c.StrayState(ctx, b.ID, id)
		} else {
			state, err = c.BuildState(ctx, b.ID)
		}
		if err != nil {
			return err
		}
		if len(state) == 0 {
			return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("Workspace %s had no state at build %d.", cli.Inert(w.Name), b.BuildNumber)}
		}
		if len(args) < 2 || args[1] == "-" {
			_, err := env.Stdout.Write(state)
			return err
		}
		return cli.WriteFile(args[1], state, 0o600) // it holds secrets
	})
	return cmd
}

func push(env *cli.Env) *cobra.Command {
	var number int
	var noBuild, force bool
	cmd := &cobra.Command{Use: "push <workspace> <file>", Short: "Replace the state of a workspace and build it from there",
		Long:    "Replace the state of a workspace and build it from there: with the transition and the version of the newest build, or of the one given by --build. A state of another lineage, or an older one, is refused unless --force is given.",
		Args:    fileArgs(true),
		Example: "  coder state push dev state.json\n  coder state push --no-build dev - < state.json"}
	buildFlag(cmd, &number)
	cmd.Flags().BoolVarP(&noBuild, "no-build", "n", false, "only store the state; the next build uses it")
	cmd.Flags().BoolVar(&force, "force", false, "take a state of another lineage, or an older one")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		state, err := readFile(env, args[1])
		if err != nil {
			return err
		}
		c, w, b, err := find(ctx, env, args[0], number)
		if err != nil {
			return err
		}
		name := cli.Inert(w.Name)
		if noBuild {
			if err := c.UpdateBuildState(ctx, b.ID, api.UpdateWorkspaceBuildStateRequest{State: state, ForceState: force}); err != nil {
				return err
			}
			_, err := fmt.Fprintf(env.Stdout, "The state of build %d of %s was replaced.\n", b.BuildNumber, name)
			return err
		}
		next, err := c.CreateBuild(ctx, w.ID, api.CreateWorkspaceBuildRequest{Transition: b.Transition,
			TemplateVersionID: b.TemplateVersionID, Reason: "cli", State: state, ForceState: force})
		if err != nil {
			return err
		}
		if _, err := progress.Own(ctx, env, c, next, env.Stdout); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "%s was built from that state (build %d).\n", name, next.BuildNumber)
		return err
	})
	return cmd
}

// readFile reads a file, or standard input for "-".
func readFile(env *cli.Env, path string) ([]byte, error) {
	in := env.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, cli.Usage("file", "There is no file "+cli.Inert(path)+".")
		}
		if err != nil {
			return nil, fmt.Errorf("read state: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxState+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read state: %w", err)
	case len(b) > maxState:
		return nil, cli.Usage("file", fmt.Sprintf("A state has at most %d MiB.", maxState>>20))
	case len(b) == 0:
		return nil, cli.Usage("file", "The state is empty.")
	}
	return b, nil
}

func fileArgs(required bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if required || len(args) == 0 {
			return cli.Exactly("workspace", "file")(cmd, args)
		}
		return cli.Optional("workspace", "file")(cmd, args)
	}
}

func strays(env *cli.Env) *cobra.Command {
	var number int
	cmd := &cobra.Command{Use: "strays <workspace>", Short: "List what late attempts at a build brought and was not applied", Args: cli.Exactly("workspace")}
	buildFlag(cmd, &number)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, b, err := find(ctx, env, args[0], number)
		if err != nil {
			return err
		}
		list, err := c.BuildStrays(ctx, b.ID)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			_, err := fmt.Fprintf(env.Stdout, "No late attempt at build %d of %s brought anything.\n", b.BuildNumber, cli.Inert(w.Name))
			return err
		}
		rows := [][]string{{"ID", "ATTEMPT", "CAME WITH", "AT", "STATE SERIAL", "RESOURCES"}}
		for _, s := range list {
			serial, resources := "none", ""
			if s.HasState {
				serial, resources = fmt.Sprint(s.Serial), fmt.Sprint(len(s.Resources))
			}
			rows = append(rows, []string{s.ID.String(), fmt.Sprint(s.Attempt), cli.Inert(s.Kind),
				s.CreatedAt.Local().Format(time.DateTime), serial, resources})
		}
		return cli.Table(env.Stdout, rows)
	})
	return cmd
}
