package workspaces_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/wsconn"
)

type event struct {
	Type string        `json:"type"`
	Data api.Workspace `json:"data"`
}

func TestWatchOverWebsocket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ws, err := wsconn.Dial(ctx, r.d.URL.String()+"/api/v2/workspaces/"+w.ID.String()+"/watch-ws",
		wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // the end of the test
	await := func(want api.WorkspaceStatus) {
		for {
			var e event
			require.NoError(t, ws.Read(ctx, &e))
			if e.Type == "data" && e.Data.LatestBuild.Status == want {
				return
			}
		}
	}
	await(api.WorkspacePending)
	job := r.acquire()
	await(api.WorkspaceStarting)
	r.complete(job, jobrpc.BuildResult{})
	await(api.WorkspaceRunning)
}

func TestWatchAsEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.d.URL.String()+"/api/v2/workspaces/"+w.ID.String()+"/watch", nil)
	require.NoError(t, err)
	req.Header.Set(api.SessionTokenHeader, r.member.Token.Reveal())
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close() //nolint:errcheck // read as far as needed
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	acquired := false
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var got api.Workspace
		require.NoError(t, json.Unmarshal([]byte(data), &got))
		if got.LatestBuild.Status == api.WorkspaceStarting {
			return
		}
		assert.Equal(t, api.WorkspacePending, got.LatestBuild.Status)
		if !acquired {
			acquired = true
			r.acquire()
		}
	}
	t.Fatal("the stream ended before the workspace was starting")
}

// TestWatchAList: what changes in a list comes as it changes, what others may not see does not.
func TestWatchAList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := r.template("plain")
	w := r.create(r.member, plain, "dev")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ws, err := wsconn.Dial(ctx, r.d.URL.String()+"/api/v2/workspaces/watch-ws?q=owner:me&limit=10",
		wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // the end of the test
	await := func(done func(api.WorkspacesChange) bool) {
		for {
			var e struct {
				Type string               `json:"type"`
				Data api.WorkspacesChange `json:"data"`
			}
			require.NoError(t, ws.Read(ctx, &e))
			for _, row := range e.Data.Workspaces {
				require.Equal(t, w.OwnerID, row.OwnerID)
			}
			if e.Type == "data" && done(e.Data) {
				return
			}
		}
	}
	await(func(c api.WorkspacesChange) bool {
		require.Equal(t, []api.ID{w.ID}, c.IDs)
		require.Empty(t, c.Workspaces, "the first has ids alone")
		return true
	})
	r.create(r.owner, plain, "anothers")
	r.complete(r.acquire(), jobrpc.BuildResult{})
	await(func(c api.WorkspacesChange) bool {
		return len(c.Workspaces) == 1 && c.Workspaces[0].LatestBuild.Status == api.WorkspaceRunning
	})
	second := r.create(r.member, plain, "second")
	await(func(c api.WorkspacesChange) bool {
		return c.Count == 2 && len(c.IDs) == 2 && len(c.Workspaces) == 1 && c.Workspaces[0].ID == second.ID
	})
}

func TestWatchOfABadListIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, query := range []string{"?limit=1001", "?limit=x", "?q=status:nope"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.d.URL.String()+"/api/v2/workspaces/watch-ws"+query, nil)
		require.NoError(t, err)
		req.Header.Set(api.SessionTokenHeader, r.member.Token.Reveal())
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = res.Body.Close()
		require.Equal(t, http.StatusBadRequest, res.StatusCode, query)
	}
}
