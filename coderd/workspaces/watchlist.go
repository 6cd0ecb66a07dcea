package workspaces

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"net/http"
	"strconv"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/database/pubsub"
)

const (
	// listPoll finds what no hint told. Lists cost more than one workspace.
	listPoll = 15 * time.Second
	// A list is read at most once in listPause, and at most a twentieth of the time.
	listPause = time.Second
	listShare = 20
)

// listWatch follows one list for one caller. It keeps a hash of each row, not the row.
type listWatch struct {
	s     *Service
	query string
	rows  int32
	seed  maphash.Seed
	sums  map[api.ID]uint64 // nil before the first reading
	order []api.ID
	count int

	// who is the context of the caller with the rights of now.
	who  context.Context
	rest time.Duration // how long the list is not to be read again
}

// WatchListWS serves GET /workspaces/watch-ws: what changes in a list, as it changes.
// The first data event has the rows' ids alone. Who asks for the list after it, and
// takes what later events say, misses nothing.
func (s *Service) WatchListWS(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := &listWatch{s: s, query: r.URL.Query().Get("q"), seed: maphash.MakeSeed(), who: r.Context()}
		err := l.limit(r.URL.Query().Get("limit"))
		if err == nil {
			_, err = parseQuery(l.query, "")
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		a.ServeEventsWS(w, r, func(ctx context.Context, send httpapi.SendEvent) error { return l.run(ctx, a, r, send) })
	})
}

func (l *listWatch) limit(text string) error {
	page := httpapi.Page{}
	if text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxWatched {
			return api.Invalid("limit", fmt.Sprintf("a number from 0 to %d", maxWatched))
		}
		page.Limit = n
	}
	l.rows = page.Rows()
	return nil
}

// maxWatched is that of the list itself.
const maxWatched = 1000

func (l *listWatch) run(ctx context.Context, a *httpapi.API, r *http.Request, send httpapi.SendEvent) error {
	sub := l.s.opts.PubSub.Subscribe(pubsub.AnyWorkspace)
	defer sub.Close()
	readmit := a.Recheck(r, func(ctx context.Context) error {
		l.who = context.WithoutCancel(ctx) // the rights of now, not those of the beginning
		return nil
	})
	return httpapi.Follow{Clock: l.s.opts.Clock, Changed: sub.C(), Poll: listPoll, Recheck: readmitEvery,
		Next: l.next, Readmit: readmit, Rest: func() time.Duration { return l.rest }}.Run(ctx, send)
}

// next returns what is new.
func (l *listWatch) next(ctx context.Context) ([]byte, error) {
	began := l.s.opts.Clock.Now()
	who, cancel := context.WithCancel(l.who)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	found, err := l.s.List(who, l.query, l.rows, 0)
	if err != nil {
		return nil, err
	}
	defer func() { l.rest = max(listPause, listShare*l.s.opts.Clock.Since(began)) }()
	change, err := l.compare(found)
	if err != nil || change == nil {
		return nil, err
	}
	text, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("encode the change of a list: %w", err)
	}
	return text, nil
}

// compare notes what is in the list now and returns how it differs from before; nil
// where it does not.
func (l *listWatch) compare(found api.WorkspacesResponse) (*api.WorkspacesChange, error) {
	first := l.sums == nil
	out := &api.WorkspacesChange{Count: found.Count, IDs: make([]api.ID, len(found.Workspaces)), Workspaces: []api.Workspace{}}
	sums := make(map[api.ID]uint64, len(found.Workspaces))
	differs := first || found.Count != l.count || len(found.Workspaces) != len(l.order)
	for i, w := range found.Workspaces {
		text, err := json.Marshal(w)
		if err != nil {
			return nil, fmt.Errorf("encode workspace %s: %w", w.ID, err)
		}
		sum := maphash.Bytes(l.seed, text)
		if before, known := l.sums[w.ID]; !first && (!known || before != sum) {
			out.Workspaces = append(out.Workspaces, w)
		}
		differs = differs || len(out.Workspaces) > 0 || l.order[i] != w.ID
		sums[w.ID], out.IDs[i] = sum, w.ID
	}
	l.sums, l.order, l.count = sums, out.IDs, found.Count
	if !differs {
		return nil, nil
	}
	return out, nil
}
