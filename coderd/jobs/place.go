package jobs

import (
	"slices"
	"time"

	"coder.internal/api"
)

// Place is where a pending job stands. Position 1 is next, 0 is not waiting; Size
// counts what waits beside it. Jobs stand in one queue when the same daemons could
// run them.
type Place struct {
	Position, Size int
	// Estimate is the time until the job starts; nil when nothing is known.
	Estimate *time.Duration
	// Workers are the daemons online that could run it, busy ones included.
	Workers []api.ID
	// Seen counts the daemons that could run it, online or not, and Last is when
	// one was there.
	Seen int
	Last *time.Time
}

// openJob is a job that waits or runs.
type openJob struct {
	id, org api.ID
	kind    kind
	tags    map[string]string
	worker  api.ID // zero while it waits
	running bool
	elapsed time.Duration // since it started
}

// kind tells jobs that take about the same time.
type kind struct {
	jobType    api.JobType
	template   api.ID
	transition string
}

// knownDaemon is a daemon that could take jobs.
type knownDaemon struct {
	id, org api.ID
	tags    map[string]string
	online  bool
	last    *time.Time
}

// sample is how long jobs of one kind took.
type sample struct {
	mean time.Duration
	n    int
}

// scene is the queue of some organizations at one moment. jobs are in the order
// in which they will be taken.
type scene struct {
	jobs    []openJob
	daemons []knownDaemon
	typical map[kind]sample
}

// runs is the rule of AcquireProvisionerJob: a job needs all its tags, and one
// without tags of its own runs only where there are none either.
func (d knownDaemon) runs(j openJob) bool {
	if d.org != j.org {
		return false
	}
	for k, v := range j.tags {
		if have, ok := d.tags[k]; !ok || have != v {
			return false
		}
	}
	return !plainTags(j.tags) || plainTags(d.tags)
}

func plainTags(tags map[string]string) bool {
	return len(tags) == 2 && tags[api.TagScope] == api.ScopeOrganization && tags[api.TagOwner] == ""
}

// places finds the place of each waiting job.
func (s scene) places() map[api.ID]Place {
	out := map[api.ID]Place{}
	able := make([][]int, len(s.jobs)) // by job: the daemons that could run it
	for i, j := range s.jobs {
		if j.running {
			continue
		}
		p := Place{Position: 1, Size: 1}
		for d, daemon := range s.daemons {
			if !daemon.runs(j) {
				continue
			}
			p.Seen++
			if p.Last == nil || daemon.last != nil && daemon.last.After(*p.Last) {
				p.Last = daemon.last
			}
			if daemon.online {
				able[i] = append(able[i], d)
				p.Workers = append(p.Workers, daemon.id)
			}
		}
		out[j.id] = p
	}
	s.rank(out, able)
	s.estimate(out, able)
	return out
}

// rank counts those that wait for the same daemons.
func (s scene) rank(out map[api.ID]Place, able [][]int) {
	for i, j := range s.jobs {
		if j.running {
			continue
		}
		p := out[j.id]
		for k, other := range s.jobs {
			if k == i || other.running || other.org != j.org || !rivals(j, other, able[i], able[k]) {
				continue
			}
			p.Size++
			if k < i {
				p.Position++
			}
		}
		out[j.id] = p
	}
}

// rivals reports whether two jobs could be wanted by one daemon. Without a daemon
// they are so when their tags are the same.
func rivals(a, b openJob, ableA, ableB []int) bool {
	if len(ableA) == 0 || len(ableB) == 0 {
		return len(ableA) == len(ableB) && sameTags(a.tags, b.tags)
	}
	for _, d := range ableA {
		if slices.Contains(ableB, d) {
			return true
		}
	}
	return false
}

func sameTags(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// estimate plays the queue: each job goes to the daemon that is free first. A job
// behind one whose length nobody knows has no estimate.
func (s scene) estimate(out map[api.ID]Place, able [][]int) {
	free := make([]time.Duration, len(s.daemons))
	unknown := make([]bool, len(s.daemons))
	for _, j := range s.jobs {
		if !j.running {
			continue
		}
		for d := range s.daemons {
			if s.daemons[d].id != j.worker {
				continue
			}
			took, ok := s.length(j.kind)
			// Who works longer than usual is taken to need a tenth more.
			free[d], unknown[d] = max(took-j.elapsed, j.elapsed/10), !ok
		}
	}
	for i, j := range s.jobs {
		if j.running || len(able[i]) == 0 {
			continue
		}
		first := -1
		for _, d := range able[i] {
			if !unknown[d] && (first < 0 || free[d] < free[first]) {
				first = d
			}
		}
		if first < 0 {
			continue
		}
		p, at := out[j.id], free[first]
		p.Estimate = &at
		out[j.id] = p
		took, ok := s.length(j.kind)
		free[first], unknown[first] = at+took, !ok
	}
}

// length is how long a job of kind k takes: as its own kind did, else as that type
// of job did anywhere.
func (s scene) length(k kind) (time.Duration, bool) {
	if known, ok := s.typical[k]; ok {
		return known.mean, true
	}
	var sum time.Duration
	n := 0
	for other, known := range s.typical {
		if other.jobType == k.jobType && other.transition == k.transition {
			sum += known.mean * time.Duration(known.n)
			n += known.n
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / time.Duration(n), true
}
