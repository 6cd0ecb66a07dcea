package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"coder.internal/scripts/bench/proc"
)

func trim(s string) string { return strings.TrimSpace(s) }

// previous builds the previous release once and keeps its binary below builds.
func previous(ctx context.Context, ref, builds string, log io.Writer) (release, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return release{}, fmt.Errorf("the previous release is built from the repository: %w", err)
	}
	if ref == "" {
		if ref, err = output(ctx, ".", git, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD~"); err != nil {
			ref = "HEAD~" // there is no tag
		}
	}
	commit, err := output(ctx, ".", git, "rev-parse", "--verify", "--short=12", ref+"^{commit}")
	if err != nil {
		return release{}, fmt.Errorf("previous release %s: %w; name one with PREVIOUS=", ref, err)
	}
	r := release{commit: commit, binary: filepath.Join(builds, "previous", commit, "coder")}
	if _, err := os.Stat(r.binary); err == nil {
		return r, nil
	}
	fmt.Fprintf(log, "upgrade: building %s (%s)\n", ref, commit)
	src, err := os.MkdirTemp("", "coder-previous-")
	if err != nil {
		return release{}, err
	}
	defer os.RemoveAll(src) //nolint:errcheck // a temporary directory
	if err := checkOut(ctx, git, commit, src); err != nil {
		return release{}, err
	}
	if err := os.MkdirAll(filepath.Dir(r.binary), 0o755); err != nil { //nolint:gosec // like build
		return release{}, err
	}
	return r, compile(ctx, src, "v0.0.0-"+commit, r.binary)
}

// checkOut writes the files of a commit into dir.
func checkOut(ctx context.Context, git, commit, dir string) error {
	archive := filepath.Join(dir, "source.tar")
	if _, err := output(ctx, ".", git, "archive", "--format=tar", "-o", archive, commit); err != nil {
		return err
	}
	tar, err := exec.LookPath("tar")
	if err != nil {
		return err
	}
	if _, err := output(ctx, dir, tar, "-xf", archive); err != nil {
		return err
	}
	return os.Remove(archive)
}

// compile builds the full binary with the small one for this platform inside.
func compile(ctx context.Context, src, version, out string) error {
	platform := "linux-" + runtime.GOARCH
	for _, line := range [][]string{
		{"make", "PLATFORMS=" + platform, "VERSION=" + version, "coderd/downloads/archive/coder.tar.zst"},
		{"go", "build", "-trimpath", "-tags", "embed_bin", "-ldflags", "-s -w -X coder.internal/internal/buildinfo.version=" + version, "-o", out, "./cmd/coder"},
	} {
		path, err := exec.LookPath(line[0])
		if err != nil {
			return err
		}
		env := append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local", "CGO_ENABLED=0")
		if _, err := proc.Run(ctx, proc.Spec{Path: path, Args: line[1:], Dir: src, Env: env}); err != nil {
			return fmt.Errorf("build the previous release: %w", err)
		}
	}
	return nil
}
