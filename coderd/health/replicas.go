package health

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/replicas"
)

// nearThreshold is the latency between replicas, and from each to the database,
// above which work that crosses them is slow.
const nearThreshold = 10 * time.Millisecond

// replicas looks at what the replicas say about each other. It asks nobody.
func (s *Service) replicas() api.ReplicasHealth {
	all := append([]replicas.Replica{s.opts.Replicas.Self()}, s.opts.Replicas.Others()...)
	h := api.ReplicasHealth{HealthSection: section(), Online: len(all)}
	if len(all) == 1 {
		return h
	}
	add := func(code, format string, args ...any) {
		warn(&h.HealthSection, api.HealthWarning, code, fmt.Sprintf(format, args...))
	}
	names := map[api.ID]string{}
	for _, r := range all {
		names[r.ID] = fmt.Sprintf("%.60s", r.Hostname)
	}
	var bare []string
	for _, r := range all {
		name := names[r.ID]
		for id, took := range r.Latencies {
			if other := names[id]; other != "" && took > nearThreshold {
				add("EREP01", "%s is %s away from %s; up to %s is good. Put replicas close together.", other, took.Round(time.Millisecond), name, nearThreshold)
			}
		}
		if r.DatabaseLatency > nearThreshold {
			add("EREP02", "The database is %s away from %s; up to %s is good.", r.DatabaseLatency.Round(time.Millisecond), name, nearThreshold)
		}
		if farApart(r.Version, all[0].Version) {
			add("EREP03", "%s runs %.40s and %s %.40s. Only neighbouring releases work together: update one.", name, r.Version, names[all[0].ID], all[0].Version)
		}
		if r.RelayKey != "" && r.RelayURL == "" {
			bare = append(bare, name)
		}
		if r.Error != "" {
			add("EREP05", "%s: %.500s. Set --derp-server-relay-url of each replica to an address at which the others reach it.", name, r.Error)
		}
	}
	if len(bare) > 0 {
		add("EREP04", "There are %d replicas, and the relay of %s is not connected to the others, so that people and workspaces on different replicas do not meet. Set --derp-server-relay-url there.",
			len(all), strings.Join(bare, ", "))
	}
	for _, l := range s.opts.Replicas.Links() {
		if name := names[l.ID]; name != "" && !l.Up {
			add("EREP06", "The relay of %s is not connected to that of %s: %.200s.", names[all[0].ID], name, l.Error)
		}
	}
	return h
}

// farApart says that two versions are more than one release apart. What is not a
// version number is near everything.
func farApart(a, b string) bool {
	majorA, minorA, okA := release(a)
	majorB, minorB, okB := release(b)
	return okA && okB && (majorA != majorB || minorA-minorB > 1 || minorB-minorA > 1)
}

func release(version string) (major, minor int, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return major, minor, errMajor == nil && errMinor == nil
}
