package machine

import "testing"

// FuzzParsers: no text of a kernel or of a container runtime is trusted to be
// well formed; figures stay in order.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{"MemTotal: 5 kB\nMemAvailable: 3 kB\n", "usage_usec 7\n", "max", "-1",
		"0::/a\n", "3:cpu,cpuacct:/x\n", "18446744073709551615"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if used, total, err := parseMeminfo(text); err == nil && used > total {
			t.Error(used, total)
		}
		if n, err := parseLimit(text); err == nil && n >= unlimited {
			t.Error(n)
		}
		_, _ = ParseKeyed(text, "usage_usec")
		if p := parseCgroup(text); p.Unified != "" && p.Unified[0] != '/' {
			t.Error(p)
		}
	})
}
