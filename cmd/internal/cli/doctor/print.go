package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"coder.internal/cmd/internal/cli"
	"coder.internal/derp/netcheck"
)

// words are the outcomes as people read them.
var words = map[netcheck.Status]string{netcheck.OK: "ok", netcheck.Warning: "warning", netcheck.Failed: "FAILED", netcheck.Skipped: "-"}

// print writes the hops as a table, then what to do.
func (r *Report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "From this %s to %s\n\n", r.Side, cli.Inert(r.URL))
	rows := make([][4]string, len(r.Steps))
	var width [3]int
	for i, s := range r.Steps {
		took := ""
		if s.Took >= 50*time.Microsecond {
			took = netcheck.Millis(s.Took)
		}
		rows[i] = [4]string{s.Name, words[s.Status], took, cli.Inert(s.Detail)}
		for j := range width {
			width[j] = max(width[j], utf8.RuneCountInString(rows[i][j]))
		}
	}
	for _, row := range rows {
		line := fmt.Sprintf("  %-*s  %-*s  %*s  %s", width[0], row[0], width[1], row[1], width[2], row[2], row[3])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	b.WriteString("\n")
	r.conclude(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// conclude says what is wrong first, and then what could be better.
func (r *Report) conclude(b *strings.Builder) {
	first, failed := r.FirstFailure()
	if failed {
		fmt.Fprintf(b, "The first hop that fails is %s: %s.\n", first.Name, cli.Inert(first.Detail))
		if first.Cure != "" {
			fmt.Fprintf(b, "  %s\n", cli.Inert(first.Cure))
		}
	}
	names := map[string][]string{} // by what to do, which is said once
	var cures []string
	for _, s := range r.Steps {
		if s.Cure == "" || s.Status == netcheck.OK || s.Status == netcheck.Failed && s == first {
			continue
		}
		if names[s.Cure] == nil {
			cures = append(cures, s.Cure)
		}
		names[s.Cure] = append(names[s.Cure], s.Name)
	}
	for _, cure := range cures {
		fmt.Fprintf(b, "%s: %s\n", strings.Join(names[cure], ", "), cli.Inert(cure))
	}
	switch {
	case failed:
	case len(cures) > 0:
		b.WriteString("Everything works; see above for what could be better.\n")
	default:
		b.WriteString("Everything works.\n")
	}
}
