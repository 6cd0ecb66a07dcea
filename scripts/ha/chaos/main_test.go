package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/scripts/ha/history"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want history.Outcome
	}{
		{nil, history.OK},
		{context.DeadlineExceeded, history.Unknown},
		{errors.New("connection reset by peer"), history.Unknown},
		{&api.Error{Code: api.CodeUnavailable}, history.Unknown},
		{&api.Error{Code: api.CodeInternal}, history.Unknown},
		{&api.Error{Code: api.CodeConflict}, history.Failed},
		{&api.Error{Code: api.CodeNotFound}, history.Failed},
	} {
		got, _ := judge(c.err)
		require.Equal(t, c.want, got, c.err)
	}
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-seconds", "0"}, {"-clients", "101"}, {"odd"}, {"-odd"}} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 2, run(t.Context(), args, &stdout, &stderr), args)
		require.NotEmpty(t, stderr.String())
	}
}

// TestCheckAgain reads a history that was kept, without and with a fault.
func TestCheckAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lines bytes.Buffer
	r := history.NewRecorder(&lines)
	r.Add(history.Op{Do: history.TokenCreate, Object: "a", ID: "k", End: 1, Outcome: history.OK})
	write := func(name string, text []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	write(historyFile, lines.Bytes())
	final := history.Final{Tokens: []history.Token{{ID: "k", Name: "a"}},
		Audit: []history.Entry{{Action: "create", Type: "api_key", ID: "owner", Target: "k"}}}
	for _, c := range []struct {
		tokens []history.Token
		code   int
		says   string
	}{{final.Tokens, 0, `"wrong":null`}, {nil, 1, "token a was acknowledged, and is lost"}} {
		final.Tokens = c.tokens
		text, err := json.Marshal(final)
		require.NoError(t, err)
		write(finalFile, text)
		var stdout, stderr bytes.Buffer
		require.Equal(t, c.code, run(t.Context(), []string{"-check", dir}, &stdout, &stderr), stderr.String())
		require.Contains(t, stdout.String(), c.says)
	}
}
