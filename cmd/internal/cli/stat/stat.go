// Package stat is `coder stat`: how busy the machine and the container are, for
// people and for the metadata of templates. It asks no server. Figures of the
// container are those of the control group of this process, version 1 or 2;
// where there is none, those of the machine stand in.
package stat

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/machine"
)

// Command is `coder stat`.
func Command(env *cli.Env) *cobra.Command {
	out := output()
	cmd := &cobra.Command{Use: "stat", Short: "Show how busy this machine and container are"}
	cmd = cli.Group(cmd, cpu(env), mem(env), diskCommand(env))
	out.Flags(cmd.Flags())
	unknown := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknown(cmd, args)
		}
		row, err := all(cmd.Context(), env)
		if err != nil {
			return err
		}
		return out.Print(env, []summary{row})
	}
	return cmd
}

func here(env *cli.Env) reader {
	return reader{Reader: machine.Reader{Root: os.DirFS("/")}, clock: env.Clock}
}

// summary is one row of `coder stat`. The container's figures are nil where
// there is no container.
type summary struct {
	HostCPU         machine.Figure  `json:"host_cpu"`
	HostMemory      machine.Figure  `json:"host_memory"`
	HomeDisk        machine.Figure  `json:"home_disk"`
	ContainerCPU    *machine.Figure `json:"container_cpu"`
	ContainerMemory *machine.Figure `json:"container_memory"`
}

func output() *cli.Output[summary] {
	maybe := func(f *machine.Figure, prefix string) string {
		if f == nil {
			return "n/a"
		}
		return text(*f, prefix)
	}
	o := &cli.Output[summary]{Columns: []cli.Column[summary]{
		{Name: "host cpu", Value: func(s summary) string { return text(s.HostCPU, "") }},
		{Name: "host memory", Value: func(s summary) string { return text(s.HostMemory, "Gi") }},
		{Name: "home disk", Value: func(s summary) string { return text(s.HomeDisk, "Gi") }},
		{Name: "container cpu", Value: func(s summary) string { return maybe(s.ContainerCPU, "") }},
		{Name: "container memory", Value: func(s summary) string { return maybe(s.ContainerMemory, "Gi") }},
	}}
	for _, c := range o.Columns {
		o.Default = append(o.Default, c.Name)
	}
	return o
}

func all(ctx context.Context, env *cli.Env) (s summary, err error) {
	r := here(env)
	if err := r.supported(); err != nil {
		return s, err
	}
	if s.HostCPU, err = r.hostCPU(ctx); err != nil {
		return s, err
	}
	if s.HostMemory, err = r.HostMemory(); err != nil {
		return s, err
	}
	if s.HomeDisk, err = volume(env.Home); err != nil {
		return s, err
	}
	if f, err := r.groupCPU(ctx); err == nil {
		s.ContainerCPU = &f
	} else if !errors.Is(err, machine.ErrNoGroup) {
		return s, err
	}
	if f, err := r.GroupMemory(); err == nil {
		s.ContainerMemory = &f
	} else if !errors.Is(err, machine.ErrNoGroup) {
		return s, err
	}
	return s, nil
}

func cpu(env *cli.Env) *cobra.Command {
	var host bool
	cmd, show := one(env, "cpu", "Show the cores in use")
	cmd.Flags().BoolVar(&host, "host", false, "of the machine instead of the container")
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		r := here(env)
		if err := r.supported(); err != nil {
			return err
		}
		f, err := machine.Figure{}, machine.ErrNoGroup
		if !host {
			f, err = r.groupCPU(ctx)
		}
		if errors.Is(err, machine.ErrNoGroup) {
			f, err = r.hostCPU(ctx)
		}
		return show(f, "", err)
	})
	return cmd
}

func mem(env *cli.Env) *cobra.Command {
	var host bool
	prefix := "Gi"
	cmd, show := one(env, "mem", "Show the memory in use")
	cmd.Flags().BoolVar(&host, "host", false, "of the machine instead of the container")
	prefixFlag(cmd, &prefix)
	cmd.RunE = cli.RunE(func(context.Context, []string) error {
		r := here(env)
		if err := r.supported(); err != nil {
			return err
		}
		f, err := machine.Figure{}, machine.ErrNoGroup
		if !host {
			f, err = r.GroupMemory()
		}
		if errors.Is(err, machine.ErrNoGroup) {
			f, err = r.HostMemory()
		}
		return show(f, prefix, err)
	})
	return cmd
}

func diskCommand(env *cli.Env) *cobra.Command {
	prefix, path := "Gi", "/"
	cmd, show := one(env, "disk", "Show how full a volume is")
	cmd.Flags().StringVar(&path, "path", path, "a file or directory on the volume")
	prefixFlag(cmd, &prefix)
	cmd.RunE = cli.RunE(func(context.Context, []string) error {
		f, err := volume(path)
		return show(f, prefix, err)
	})
	return cmd
}

// volume says how full the volume of path is.
func volume(path string) (machine.Figure, error) {
	f, err := machine.Disk(path)
	if errors.Is(err, errors.ErrUnsupported) {
		err = &api.Error{Code: api.CodeUnsupported, Message: "This command does not know volumes of Windows."}
	}
	return f, err
}

func prefixFlag(cmd *cobra.Command, to *string) {
	cli.Enum(cmd.Flags(), to, "prefix", "", "unit of the text form", "Ki", "Mi", "Gi", "Ti")
}

// one makes a command that shows a single figure.
func one(env *cli.Env, name, short string) (*cobra.Command, func(machine.Figure, string, error) error) {
	format := "text"
	cmd := &cobra.Command{Use: name, Short: short, Args: cli.Exactly()}
	cli.Enum(cmd.Flags(), &format, "output", "o", "output format", "text", "json")
	return cmd, func(f machine.Figure, prefix string, err error) error {
		if err != nil {
			return err
		}
		if format == "json" {
			return cli.PrintJSON(env.Stdout, f)
		}
		_, err = fmt.Fprintln(env.Stdout, text(f, prefix))
		return err
	}
}

var scales = []struct {
	prefix string
	bytes  float64
}{{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}}

// text writes a figure as "used/total unit (percent)"; bytes in the given prefix.
func text(f machine.Figure, prefix string) string {
	scale := 1.0
	for _, s := range scales {
		if s.prefix == prefix {
			scale = s.bytes
		}
	}
	unit := prefix + f.Unit
	if f.Total == nil {
		return fmt.Sprintf("%.1f %s", f.Used/scale, unit)
	}
	percent := ""
	if *f.Total > 0 {
		percent = fmt.Sprintf(" (%.0f%%)", f.Used / *f.Total * 100)
	}
	return fmt.Sprintf("%.1f/%.1f %s%s", f.Used/scale, *f.Total/scale, unit, percent)
}
