package site

import (
	"fmt"
	"slices"
	"strings"
)

// landingCSP keeps the landing page from loading, or being framed by, anything but
// itself. Nothing in it is run or styled inline.
const landingCSP = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// dashboardCSP lets the dashboard load its own files and speak with its own origin.
// Scripts and styles stand in files: nothing inline runs, whatever a log or a README
// says. 'self' covers websockets in today's browsers; the older ones want the
// schemes, and the server's check of the origin is what guards those.
const dashboardCSP = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

// maxDirective bounds one further directive, in bytes.
const maxDirective = 4096

// Policy returns the Content-Security-Policy of the pages. Each of more is a
// directive with sources, which are added to those that the pages have. An error
// says which is none.
func Policy(more []string) (string, error) {
	base := landingCSP
	if built {
		base = dashboardCSP
	}
	return policyOf(base, more)
}

// policyOf adds the sources of more to base.
func policyOf(base string, more []string) (string, error) {
	var all [][]string
	for d := range strings.SplitSeq(base, "; ") {
		all = append(all, strings.Fields(d))
	}
	for _, text := range more {
		words := strings.Fields(text)
		if err := checkDirective(text, words); err != nil {
			return "", err
		}
		i := slices.IndexFunc(all, func(d []string) bool { return d[0] == words[0] })
		if i < 0 {
			all = append(all, words)
			continue
		}
		// 'none' holds only where it is alone.
		all[i] = append(slices.DeleteFunc(all[i], func(w string) bool { return w == "'none'" }), words[1:]...)
	}
	var out []string
	for _, d := range all {
		out = append(out, strings.Join(d, " "))
	}
	return strings.Join(out, "; "), nil
}

func checkDirective(text string, words []string) error {
	odd := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == ';' || r == ',' })
	if len(words) < 2 || odd || len(text) > maxDirective || strings.Trim(words[0], "abcdefghijklmnopqrstuvwxyz-") != "" {
		return fmt.Errorf("%.100q is no directive with sources, such as: img-src https://img.example.com", text)
	}
	return nil
}
