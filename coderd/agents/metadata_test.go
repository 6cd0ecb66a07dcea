package agents_test

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
	"coder.internal/api/agentrpc"
	"coder.internal/internal/wsconn"
)

// TestWatchMetadata: both streams tell the state at once and each change after.
func TestWatchMetadata(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, a := r.running("dev", "tok")
	path := "/api/v2/workspaceagents/" + a.ID.String() + "/watch-metadata"
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	ws, err := wsconn.Dial(ctx, r.d.URL.String()+path+"-ws", wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // the end of the test
	overWS := func() []api.AgentMetadata {
		for {
			var e struct {
				Type string
				Data []api.AgentMetadata
			}
			require.NoError(t, ws.Read(ctx, &e))
			if e.Type == "data" {
				return e.Data
			}
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.d.URL.String()+path, nil)
	require.NoError(t, err)
	req.Header.Set(api.SessionTokenHeader, r.member.Token.Reveal())
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	lines := bufio.NewScanner(res.Body)
	overSSE := func() (got []api.AgentMetadata) {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				require.NoError(t, json.Unmarshal([]byte(text), &got))
				return got
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return nil
	}

	for _, next := range []func() []api.AgentMetadata{overWS, overSSE} {
		got := next()
		require.Len(t, got, 1)
		assert.Equal(t, api.AgentMetadataDescription{Key: "cpu", Script: "uptime", Interval: 10, Timeout: 1}, got[0].Description)
		assert.True(t, got[0].Result.CollectedAt.IsZero())
	}
	at := time.Now().Add(-time.Minute)
	r.call(r.d.Client("tok"), http.StatusNoContent, http.MethodPost, me+"/metadata", agentrpc.Metadata{Values: []agentrpc.MetadataValue{
		{Key: "cpu", Value: "7 %", Error: "almost", CollectedAt: at}}})
	for _, next := range []func() []api.AgentMetadata{overWS, overSSE} {
		got := next()[0].Result
		assert.Equal(t, "7 %", got.Value)
		assert.Equal(t, "almost", got.Error)
		assert.WithinDuration(t, at, got.CollectedAt, time.Millisecond)
		assert.GreaterOrEqual(t, got.Age, int64(59))
	}
	carol := r.d.NewUser(t, r.owner, "carol")
	r.call(carol, http.StatusNotFound, http.MethodGet, path, nil)
	r.call(carol, http.StatusNotFound, http.MethodGet, path+"-ws", nil)
}
