package terraform

import (
	"regexp"
	"strings"

	"coder.internal/api"
)

// maxTrace is how many lines of the stack trace of a provider go to the log.
const maxTrace = 40

var (
	// traceOf begins what Terraform prints on standard error of a provider that panicked.
	traceOf = regexp.MustCompile(`(?m)^Stack trace from the (\S+) plugin:$`)
	// lostCall is how Terraform words a call that a provider did not answer because
	// its process ended; the place stands before, if it is known.
	lostCall = regexp.MustCompile(`^(?:(.*): )?(?:Request cancelled|Plugin did not respond): .*plugin6?\.\(\*GRPCProvider\)\.`)
)

// providerDied words the end of a job whose provider ended in the middle of a
// call. said is the first error that Terraform reported, stderr the standard error.
func (r *run) providerDied(said, stderr, stage string) (string, bool) {
	lost := lostCall.FindStringSubmatch(said)
	if lost == nil {
		return "", false
	}
	who, how := "A provider", " ended in the middle of its work; it crashed or was killed"
	if at := traceOf.FindStringSubmatchIndex(stderr); at != nil {
		who = "The provider " + strings.TrimPrefix(strings.SplitN(stderr[at[2]:at[3]], "_v", 2)[0], "terraform-provider-")
		trace := strings.Split(strings.TrimSpace(stderr[at[1]:]), "\n")
		how = " crashed (" + clipped(strings.TrimSpace(trace[0])) + ")"
		r.note(api.LogError, stage, who+" crashed. The beginning of its stack trace:")
		for i, line := range trace {
			if i == maxTrace {
				r.note(api.LogError, stage, "…")
				break
			}
			r.note(api.LogError, stage, line)
		}
	}
	if lost[1] != "" {
		how += " at " + lost[1]
	}
	return r.mask.hide(who + how + ". What had been made before is kept in the state; the next build goes on from there."), true
}

// clipped bounds a line of a provider that becomes part of a message.
func clipped(line string) string {
	const most = 300
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "…"
}
