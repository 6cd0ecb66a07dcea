package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/scripts/bench/proc"
)

func TestBadArguments(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "coder")
	require.NoError(t, os.WriteFile(binary, nil, 0o700))
	for want, args := range map[string][]string{
		"-n 0: give 1 to 1000":    {"-n", "0"},
		"-size 0":                 {"-size", "0"},
		"-idle 1ms":               {"-idle", "1ms"},
		"-flat 1s: give 5s to 1h": {"-flat", "1s"},
		"-only: error parsing":    {"-only", "("},
		"unexpected argument":     {"extra"},
		"make build makes it":     {"-binary", "/nowhere/coder"},
		"-only zzz matches none ": {"-only", "zzz"},
	} {
		var out, errs bytes.Buffer
		if args[0] != "-binary" {
			args = append([]string{"-binary", binary}, args...)
		}
		require.NotZero(t, run(t.Context(), args, &out, &errs), "%v", args)
		require.Contains(t, errs.String(), want)
		require.Empty(t, out.String())
	}
}

// A process that detached itself from a failed run is found and ended, and the
// directory goes.
func TestCloseEndsWhatDetached(t *testing.T) {
	t.Parallel()
	b, err := newBench(options{only: regexp.MustCompile("")}, &bytes.Buffer{}, &bytes.Buffer{})
	require.NoError(t, err)
	pidFile := filepath.Join(b.dir, "pid")
	r, err := proc.Run(t.Context(), proc.Spec{Path: "/bin/sh", Dir: "/", Env: []string{"PATH=/usr/bin:/bin", "RUN=" + b.dir},
		Args: []string{"-c", `setsid sh -c 'trap "" TERM; echo $$; exec sleep 300' >"$RUN/pid" 2>/dev/null </dev/null & true`}})
	require.NoError(t, err, r.Stdout)
	require.NoError(t, proc.Until(t.Context(), "the process", time.Millisecond, 10*time.Second, func() (bool, error) {
		text, _ := os.ReadFile(pidFile)
		pids, err := proc.Marked(b.dir)
		return len(text) > 0 && len(pids) == 1, err
	}))
	require.NoError(t, b.close())
	left, err := proc.Marked(b.dir)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoDirExists(t, b.dir)
}

func TestTransferCountsBytes(t *testing.T) {
	t.Parallel()
	sh := func(line string) proc.Spec {
		return proc.Spec{Path: "/bin/sh", Args: []string{"-c", line}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}}
	}
	_, err := down(t.Context(), sh("head -c 1000000 /dev/zero"), 1000000)
	require.NoError(t, err)
	_, err = down(t.Context(), sh("head -c 999999 /dev/zero"), 1000000)
	require.ErrorContains(t, err, "999999 of 1000000 bytes arrived")
	_, err = up(t.Context(), sh("wc -c"), 1000000)
	require.NoError(t, err)
	_, err = up(t.Context(), sh("cat >/dev/null; echo 5"), 1000000)
	require.ErrorContains(t, err, "5 of 1000000 bytes arrived")
	_, err = up(t.Context(), sh("exit 3"), 10<<20)
	require.ErrorContains(t, err, "exit status 3")
}

func TestQuote(t *testing.T) {
	t.Parallel()
	const word = `/a b/c'd/e%f`
	q := regexp.MustCompile("%%").ReplaceAllString(quote(word), "%") // as ssh does
	out, err := exec.Command("/bin/sh", "-c", "printf %s "+q).Output()
	require.NoError(t, err)
	require.Equal(t, word, string(out))
}

func TestStopAfterSignal(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "coder")
	// A server that never becomes healthy.
	require.NoError(t, os.WriteFile(binary, []byte("#!/bin/sh\nexec sleep 300\n"), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs bytes.Buffer
	b, err := newBench(options{only: regexp.MustCompile("idle"), binary: binary}, &bytes.Buffer{}, &errs)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- b.measure(ctx) }()
	require.NoError(t, proc.Until(t.Context(), "the server", time.Millisecond, 10*time.Second, func() (bool, error) {
		pids, err := proc.Marked(b.dir)
		return len(pids) > 0, err
	}))
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, b.close())
	left, err := proc.Marked(b.dir)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Error(t, syscall.Access(b.dir, 0), "the directory is gone")
}
