package child

import (
	"fmt"
	"os"
	"strconv"
)

// Priority is how willingly the kernel ends a process when memory runs out, and
// how nice it is to others. The zero value leaves processes as they are.
type Priority struct {
	managed   bool
	oom, nice int
}

const (
	maxOOM    = 1000
	likelyOOM = 998 // what a workspace runs goes before the agent does
	maxNice   = 19
	moreNice  = 5
	agentOOM  = -900
)

// PriorityOf reads what the agent's environment says of its children:
// CODER_PROC_PRIO_MGMT switches it on by its presence, CODER_PROC_OOM_SCORE and
// CODER_PROC_NICE_SCORE are the values. oom and nice are the agent's own, from
// which the defaults follow. A value that is out of range is an error, beside the
// default.
func PriorityOf(environ []string, oom, nice int) (Priority, error) {
	if !has(environ, "CODER_PROC_PRIO_MGMT") {
		return Priority{}, nil
	}
	p := Priority{managed: true, oom: likelyOOM, nice: min(nice+moreNice, maxNice)}
	switch {
	case oom < 0:
		p.oom = 0
	case oom >= likelyOOM:
		p.oom = maxOOM
	}
	var failed error
	for _, v := range []struct {
		name     string
		to       *int
		min, max int
	}{{"CODER_PROC_OOM_SCORE", &p.oom, -maxOOM, maxOOM}, {"CODER_PROC_NICE_SCORE", &p.nice, -maxNice - 1, maxNice}} {
		text := Get(environ, v.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < v.min || n > v.max {
			failed = fmt.Errorf("%s is %.20q; use a whole number from %d to %d, or leave it out for %d", v.name, text, v.min, v.max, *v.to)
			continue
		}
		*v.to = n
	}
	return p, failed
}

func has(environ []string, name string) bool {
	for _, kv := range environ {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			return true
		}
	}
	return false
}

// Apply sets the priority of a process that was just started with Group. What it
// forks later has it too. Where the system refuses, the process stays as it is:
// no session fails because of it.
func (p Priority) Apply(proc *os.Process) {
	if p.managed && proc != nil {
		setPriority(proc.Pid, p.oom, p.nice)
	}
}

// Protect makes this process unlikely to be ended when memory runs out. That
// takes a privilege; it reports whether it was there. Children inherit the score,
// so that it must be used together with Apply only.
func (p Priority) Protect() bool { return p.managed && setOOM("self", agentOOM) }
