package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSide(t *testing.T) {
	t.Parallel()
	require.Equal(t, side{"x", 3, 1, 2, 9}, series{9, 1, 2}.side("x"))
	require.Equal(t, side{"", 4, 1, 2.5, 9}, series{9, 1, 2, 3}.side(""))
	require.Equal(t, 0.1235, series{0.123456}.side("").Median)
	require.Equal(t, 1235.0, series{1234.56}.side("").Median)
	require.Zero(t, series(nil).side("").N)
}

func TestFigureLine(t *testing.T) {
	t.Parallel()
	ref := series{2, 2, 2}.side("plain <tool>")
	var out bytes.Buffer
	require.NoError(t, newFigure("f", "s", series{1, 2, 4}, &ref, atMostTimes(0.8)).print(&out))
	require.Equal(t, `{"figure":"f","unit":"s","n":3,"min":1,"median":2,"max":4,"reference":{"what":"plain <tool>","n":3,"min":2,"median":2,"max":2},"ratio":1,"goal":"≤ 0.8 × reference","met":false}`+"\n", out.String())
	out.Reset()
	require.NoError(t, newFigure("f", "MiB", series{1}, nil).print(&out))
	require.Equal(t, `{"figure":"f","unit":"MiB","n":1,"min":1,"median":1,"max":1}`+"\n", out.String())
}

func TestGoals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goal goal
		ours float64
		ref  float64
		met  bool
		text string
	}{
		{atMost(0.085), 0.085, 0, true, "≤ 0.085"},
		{atMost(0.085), 0.086, 0, false, "≤ 0.085"},
		{atLeast(200), 199, 0, false, "≥ 200"},
		{atMostTimes(1), 2, 2, true, "≤ 1 × reference"},
		{atLeastTimes(0.8), 7, 10, false, "≥ 0.8 × reference"},
		{atMostPlus(0.02), 0.15, 0.14, true, "≤ reference + 0.02"},
		{atMostPlus(0.02), 0.17, 0.14, false, "≤ reference + 0.02"},
	} {
		require.Equal(t, c.met, c.goal.met(c.ours, c.ref), "%+v", c)
		require.Equal(t, c.text, c.goal.String())
	}
	ref := series{10}.side("")
	f := newFigure("", "", series{9}, &ref, atLeast(20), atLeastTimes(0.8))
	require.False(t, *f.Met, "both goals count")
	require.Equal(t, "≥ 20; ≥ 0.8 × reference", f.Goal)
}

func TestRoundsTakeTurns(t *testing.T) {
	t.Parallel()
	var order string
	who := func(name string) contender {
		n := 0.0
		return contender{name, func(context.Context) ([]float64, error) {
			order += name
			n++
			return []float64{n, -n}, nil
		}}
	}
	got, err := rounds(t.Context(), 2, 1, who("a"), who("b"))
	require.NoError(t, err)
	require.Equal(t, "ababab", order)
	require.Equal(t, []series{{2, 3}, {-2, -3}}, got[1], "the first round is not counted")

	boom := errors.New("boom")
	_, err = rounds(t.Context(), 1, 0, contender{"x", func(context.Context) ([]float64, error) { return nil, boom }})
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, "x:")
}
