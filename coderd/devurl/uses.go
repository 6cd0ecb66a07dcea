package devurl

import (
	"context"
	"time"

	"coder.internal/api"
)

// maxUses bounds what waits for a database that does not answer. What is beyond is
// not counted.
const maxUses = maxDecisions

// Use is a minute in which somebody who is signed in was at an application: with a
// request, or with a stream that was open.
type Use struct {
	WorkspaceID api.ID
	UserID      api.ID
	// App is the slug, or the port as host names have it.
	App string
	// Path is the form of the name.
	Path bool
	// Minute is its start.
	Minute time.Time
}

// count notes that a decision is used now, once a minute. Links that are open to
// everybody are no use while nobody is known to be there. mu is held.
func (g *gate) count(d *decision) {
	minute := g.clock.Now().UTC().Truncate(time.Minute)
	if d.place.UserID.IsZero() || d.place.State != StateReady || d.counted.Equal(minute) || len(g.uses) >= maxUses {
		return
	}
	d.counted = minute
	g.uses = append(g.uses, Use{WorkspaceID: d.place.WorkspaceID, UserID: d.place.UserID, App: d.visit.App(), Path: d.visit.Path, Minute: minute})
}

// countOpen counts what is open: a websocket is use for as long as it is there.
func (g *gate) countOpen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.all {
		if d.streams > 0 {
			g.count(d)
		}
	}
}

// report tells Apps of all that is counted. What it does not take is told again.
func (g *gate) report(ctx context.Context) {
	g.mu.Lock()
	uses := g.uses
	g.uses = nil
	g.mu.Unlock()
	if len(uses) == 0 {
		return
	}
	err := g.apps.Used(ctx, uses)
	if err == nil {
		return
	}
	g.log.Warn("use of applications not noted", "uses", len(uses), "error", err)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.uses = append(uses, g.uses[:min(len(g.uses), maxUses-len(uses))]...)
}
