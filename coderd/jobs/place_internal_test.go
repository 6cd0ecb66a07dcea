package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

func tagged(pairs ...string) map[string]string {
	out := defaultTags()
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// line is a scene of one organization.
type line struct {
	scene
	org api.ID
}

func (l *line) wait(k kind, tags map[string]string) api.ID {
	j := openJob{id: api.NewID(), org: l.org, kind: k, tags: tags}
	l.jobs = append(l.jobs, j)
	return j.id
}

func (l *line) run(k kind, on api.ID, elapsed time.Duration) {
	l.jobs = append(l.jobs, openJob{id: api.NewID(), org: l.org, kind: k, tags: tagged(), running: true, worker: on, elapsed: elapsed})
}

func (l *line) daemon(online bool, tags map[string]string) api.ID {
	at := time.Unix(int64(len(l.daemons)+1), 0)
	d := knownDaemon{id: api.NewID(), org: l.org, tags: tags, online: online, last: &at}
	l.daemons = append(l.daemons, d)
	return d.id
}

var (
	build = kind{jobType: api.JobWorkspaceBuild, transition: "start"}
	parse = kind{jobType: api.JobTemplateVersionImport}
)

func TestPlacesAreAmongRivals(t *testing.T) {
	t.Parallel()
	l := &line{org: api.NewID()}
	plain := l.daemon(true, tagged())
	both := l.daemon(true, tagged("cloud", "a", "gpu", "yes"))
	first := l.wait(build, tagged())
	cloud := l.wait(build, tagged("cloud", "a"))
	second := l.wait(build, tagged())
	gpu := l.wait(build, tagged("gpu", "yes"))
	nowhere := l.wait(build, tagged("cloud", "b"))
	other := openJob{id: api.NewID(), org: api.NewID(), kind: build, tags: tagged()}
	l.jobs = append([]openJob{other}, l.jobs...)
	got := l.places()
	for id, want := range map[api.ID]Place{
		first: {Position: 1, Size: 2}, second: {Position: 2, Size: 2}, cloud: {Position: 1, Size: 2},
		gpu: {Position: 2, Size: 2}, nowhere: {Position: 1, Size: 1}, other.id: {Position: 1, Size: 1},
	} {
		require.Equal(t, [2]int{want.Position, want.Size}, [2]int{got[id].Position, got[id].Size})
	}
	require.Equal(t, []api.ID{plain}, got[first].Workers)
	require.Equal(t, []api.ID{both}, got[gpu].Workers)
	require.Nil(t, got[nowhere].Estimate)
	require.Equal(t, "No provisioner with tags cloud=b is online. The job waits until one is.", got[nowhere].note(tagged("cloud", "b")))
	require.Empty(t, got[first].note(tagged()))
	require.Zero(t, *got[first].Estimate, "a daemon is free")
	require.Nil(t, got[second].Estimate, "nobody knows how long the first takes")
}

func TestEstimatesPlayTheQueue(t *testing.T) {
	t.Parallel()
	l := &line{org: api.NewID()}
	l.typical = map[kind]sample{build: {10 * time.Second, 3}, parse: {4 * time.Second, 2}}
	a, b := l.daemon(true, tagged()), l.daemon(true, tagged())
	l.daemon(false, tagged()) // gone: it helps nobody
	l.run(build, a, 4*time.Second)
	l.run(build, b, 30*time.Second) // late already
	one, two, three := l.wait(parse, tagged()), l.wait(build, tagged()), l.wait(build, tagged())
	got := l.places()
	require.Equal(t, 3*time.Second, *got[one].Estimate)
	require.Equal(t, 6*time.Second, *got[two].Estimate)
	require.Equal(t, 7*time.Second, *got[three].Estimate)
	require.Equal(t, 3, got[one].Seen)
	require.Equal(t, time.Unix(3, 0), *got[one].Last)
	// A template that never ran takes what such jobs take elsewhere.
	fresh := l.wait(kind{jobType: api.JobWorkspaceBuild, template: api.NewID(), transition: "start"}, tagged())
	require.Equal(t, 16*time.Second, *l.places()[fresh].Estimate)
}

func TestUserScopedDaemon(t *testing.T) {
	t.Parallel()
	l := &line{org: api.NewID()}
	mine := tagged(api.TagScope, api.ScopeUser, api.TagOwner, "me")
	l.daemon(true, mine)
	own := l.wait(build, mine)
	plain := l.wait(build, tagged())
	theirs := l.wait(build, tagged(api.TagScope, api.ScopeUser, api.TagOwner, "you"))
	got := l.places()
	require.Len(t, got[own].Workers, 1)
	require.Empty(t, got[plain].Workers)
	require.Empty(t, got[theirs].Workers)
}
