package jobs_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"coder.internal/coderd/jobs"
)

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00", "\xff\xfe", "ééé", strings.Repeat("é", 40), "a\xf0\x9f\x92"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(3, limit%100) // room for the mark
		got := jobs.CleanText(s, limit)
		if !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
			t.Fatalf("%q became %q", s, got)
		}
		if len(got) > limit+len("…") {
			t.Fatalf("%d bytes kept of at most %d", len(got), limit)
		}
		if jobs.CleanText(got, len(got)) != got {
			t.Fatalf("%q is not stable", got)
		}
	})
}
