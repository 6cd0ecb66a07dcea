package rpty

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEscapes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    []string
		out   string
		leave bool
	}{
		{[]string{"ls\r~."}, "ls\r", true},
		{[]string{"~."}, "", true},
		{[]string{"\r", "~", "."}, "\r", true},
		{[]string{"a~."}, "a~.", false},
		{[]string{"\r~~."}, "\r~.", false},
		{[]string{"\r~x."}, "\r~x.", false},
		{[]string{"\r~\r~."}, "\r~\r", true},
	} {
		e, out, leave := escapes{on: true, fresh: true}, "", false
		for _, in := range c.in {
			var o string
			o, leave = e.filter(in)
			out += o
		}
		require.Equal(t, c.out, out, "%q", c.in)
		require.Equal(t, c.leave, leave, "%q", c.in)
	}
	e := escapes{fresh: true}
	out, leave := e.filter("~.")
	require.Equal(t, "~.", out, "a pipe is passed on as it is")
	require.False(t, leave)
}

func TestWholeUTF8(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"": 0, "ab": 2, "aé": 3, "a\xc3": 1, "a\xe2\x82": 1, "€": 3, "\xf0\x9f\x98": 0, "\xff\xff\xff\xff\xff": 5, "\x80\x80": 2} {
		require.Equal(t, want, wholeUTF8([]byte(in)), "%q", in)
	}
}
