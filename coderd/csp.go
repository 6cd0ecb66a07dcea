package coderd

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/clock"
)

const (
	maxViolationBody  = 64 << 10 // bytes
	maxViolationValue = 200      // characters of a value in the log
	violationPause    = time.Minute
)

// directives are those of a Content-Security-Policy that refuse something. What a
// report names beside them counts as one directive, so that nobody fills the log.
var directives = []string{
	"base-uri", "child-src", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors", "frame-src",
	"img-src", "manifest-src", "media-src", "object-src", "script-src", "script-src-attr", "script-src-elem",
	"style-src", "style-src-attr", "style-src-elem", "worker-src",
}

// violations notes what browsers say that the policy of our pages has refused: one
// line a minute for each directive.
type violations struct {
	log   *slog.Logger
	clock clock.Clock

	mu    sync.Mutex // guards noted
	noted map[string]time.Time
}

func newViolations(log *slog.Logger, c clock.Clock) *violations {
	return &violations{log: log, clock: c, noted: map[string]time.Time{}}
}

// handle answers POST /csp/reports. Reports beyond one a minute are dropped.
func (v *violations) handle(_ context.Context, in *struct{ Body api.CSPViolation }) (*httpapi.Empty, error) {
	report := in.Body.Report
	directive := text(report, "effective-directive", "violated-directive")
	name, _, _ := strings.Cut(directive, " ")
	if !slices.Contains(directives, name) {
		name = "other"
	}
	if v.due(name) {
		v.log.Warn("a page was kept from something by its policy", "directive", quoted(directive),
			"blocked", quoted(bare(text(report, "blocked-uri"))), "page", quoted(bare(text(report, "document-uri"))),
			"source", quoted(bare(text(report, "source-file"))))
	}
	return &httpapi.Empty{}, nil
}

// due reports whether a line about a directive may be written, and counts it.
func (v *violations) due(directive string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.clock.Now()
	if last, ok := v.noted[directive]; ok && now.Sub(last) < violationPause {
		return false
	}
	v.noted[directive] = now
	return true
}

// text returns the first of these members that is one.
func text(report map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := report[n].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// bare is an address without what may be secret in it.
func bare(address string) string {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		if at := strings.LastIndex(host, "@"); at >= 0 {
			host = host[at+1:]
		}
		return scheme + "://" + host + "/" + path
	}
	return address
}

// quoted is safe to print on a terminal: bounded, in ASCII, escaped.
func quoted(s string) string { return fmt.Sprintf("%+.*q", maxViolationValue, s) }
