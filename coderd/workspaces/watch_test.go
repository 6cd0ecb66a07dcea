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
