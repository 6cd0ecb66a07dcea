package main

import (
	"context"
	"os"
	"time"

	"coder.internal/scripts/bench/proc"
)

const mib = 1 << 20

// version measures how long a binary takes to start, and how big it is.
func (b *bench) version(ctx context.Context) error {
	dir, err := b.sub("version")
	if err != nil {
		return err
	}
	terraform, err := terraformPath()
	if err != nil {
		return err
	}
	env := []string{"PATH=" + envPath(), "HOME=" + dir, "CODER_CONFIG_DIR=" + dir, "CHECKPOINT_DISABLE=1"}
	binaries := []struct {
		name, path string
		size       float64
	}{{"full", b.binary, 110}, {"slim", b.slim, 20}}
	for _, bin := range binaries {
		info, err := os.Stat(bin.path)
		if err != nil {
			return err
		}
		size := series{float64(info.Size()) / mib}
		if err := b.emit(newFigure("size of the "+bin.name+" binary", "MiB", size, nil, atMost(bin.size))); err != nil {
			return err
		}
		values, err := rounds(ctx, 2*b.n, 1, starts("coder version", bin.path, dir, env), starts("terraform version", terraform, dir, env))
		if err != nil {
			return err
		}
		ref := values[1][0].side("terraform version")
		if err := b.emit(newFigure("coder version, "+bin.name, "s", values[0][0], &ref, atMost(0.020))); err != nil {
			return err
		}
		mem := values[1][1].side("terraform version")
		if err := b.emit(newFigure("memory of coder version, "+bin.name, "MiB", values[0][1], &mem)); err != nil {
			return err
		}
	}
	return nil
}

// starts runs `path version`: seconds and MiB of memory at most.
func starts(what, path, dir string, env []string) contender {
	return contender{what, func(ctx context.Context) ([]float64, error) {
		r, err := proc.Run(ctx, proc.Spec{Path: path, Args: []string{"version"}, Dir: dir, Env: env})
		return []float64{r.Wall.Seconds(), float64(r.MaxRSS) / mib}, err
	}}
}

func envPath() string { return os.Getenv("PATH") }

func seconds(d time.Duration) float64 { return d.Seconds() }
