package session

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/scripts/bench/proc"
)

func sh(line string) proc.Spec {
	return proc.Spec{Path: "/bin/sh", Args: []string{"-c", line}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}}
}

func beats(t *testing.T, s *Session, n int) {
	t.Helper()
	require.NoError(t, proc.Until(t.Context(), "beats", time.Millisecond, time.Minute, func() (bool, error) { return s.Beats() >= n, nil }))
}

func TestAllComesBack(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), "cat", sh("exec cat"), time.Millisecond, 1000)
	require.NoError(t, err)
	beats(t, s, 20)
	s.Reset()
	require.GreaterOrEqual(t, s.Longest(), time.Duration(0))
	n, err := s.Close()
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 20)
}

func TestFaultsAreTold(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"head -n 5":                     "it ended by itself",
		"head -n 5; echo why >&2; exit": "it ended by itself",
		"head -n 5; exit 3":             "exit status 3",
		"sed -u 5s/0/z/g":               "came as",
		"sed -u 5d":                     `beat 5 came as "6 `,
		"sed -u '5p'":                   `beat 6 came as "5 `,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), "bad", sh(line), time.Millisecond, 2000)
			require.NoError(t, err)
			if line[:4] == "head" {
				<-s.Done()
			} else {
				require.NoError(t, proc.Until(t.Context(), "the fault", time.Millisecond, time.Minute, func() (bool, error) {
					s.mu.Lock()
					defer s.mu.Unlock()
					return s.err != nil, nil
				}))
			}
			_, err = s.Close()
			require.ErrorContains(t, err, want)
		})
	}
}

func TestThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), "bad", sh("echo no such thing >&2; exit 4"), time.Millisecond, 10)
	require.ErrorContains(t, err, "exit status 4: no such thing")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, "deaf", sh("exec sleep 300"), time.Millisecond, 10)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
