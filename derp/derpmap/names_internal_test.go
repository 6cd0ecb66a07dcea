package derpmap

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestPrintable compares with the expression that says the same, for all characters.
func TestPrintable(t *testing.T) {
	t.Parallel()
	same := regexp.MustCompile(`^[\pL\pN\pP\pS ]{1,128}$`)
	for r := range rune(utf8.MaxRune + 1) {
		if s := string(r); same.MatchString(s) != printable(s) {
			t.Fatalf("%U", r)
		}
	}
	for _, s := range []string{"", "a\n", "a b", "\xff", strings.Repeat("ü", 128), strings.Repeat("ü", 129), " ", "a\u00a0b", "a\u0301"} {
		require.Equal(t, same.MatchString(s), printable(s), "%q", s)
	}
}

func TestHostName(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"h", "h.", "a.b-c.example", "_derp._tcp.example.", "1", strings.Repeat("a", 63) + ".b",
		"a.b.c.d.e.f.g.h.i.j.k.example"} {
		require.True(t, hostName(good), good)
	}
	for _, bad := range []string{"", ".", "-a", "a..b", ".a", "a..", "a b", "a/b", "a:1", "ü", "a\n", "[::1]", "a%2e",
		strings.Repeat("a", 64), strings.Repeat("a.", 127)} {
		require.False(t, hostName(bad), bad)
	}
}
