package mapfeed_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/mapfeed"
)

func regionMap(code string) string {
	return `{"Regions":{"5":{"RegionCode":"` + code + `","Nodes":[{"HostName":"derp.example"}]}}}`
}

// site serves a body that tests change; an empty one is a failure.
func site(t *testing.T, body string) (*url.URL, *atomic.Value, *atomic.Int64) {
	t.Helper()
	var now atomic.Value
	var asked atomic.Int64
	now.Store(body)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if b := now.Load().(string); b != "" {
			_, _ = io.WriteString(w, b)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	u.User = url.UserPassword("me", "hunter2")
	return u, &now, &asked
}

type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *logs) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func config(t *testing.T, u *url.URL) (mapfeed.Config, *quartz.Mock, *logs) {
	clk, out := quartz.NewMock(t), &logs{}
	return mapfeed.Config{URL: u, Base: derpmap.Build(derpmap.Config{}), CacheDir: t.TempDir(), Clock: clk,
		Log: slog.New(slog.NewTextHandler(out, nil)), Changed: func() {}}, clk, out
}

func TestFeedFollowsTheURL(t *testing.T) {
	t.Parallel()
	u, body, asked := site(t, regionMap("one"))
	cfg, clk, out := config(t, u)
	changed := make(chan struct{}, 10)
	cfg.Changed = func() { changed <- struct{}{} }
	f, err := mapfeed.New(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, "one", f.Map().Regions[5].Code)
	require.Equal(t, "coder", f.Map().Regions[999].Code, "beside the embedded one")
	<-changed

	ctx, cancel := context.WithCancel(t.Context())
	set, reset := clk.Trap().NewTimer("mapfeed"), clk.Trap().TimerReset("mapfeed")
	defer set.Close()
	defer reset.Close()
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	set.MustWait(ctx).MustRelease(ctx)
	clk.Advance(0).MustWait(ctx)
	// next lets one question be asked and answered.
	next := func() {
		call := reset.MustWait(ctx)
		require.Equal(t, 5*time.Minute, call.Duration)
		call.MustRelease(ctx)
	}
	next()
	require.Empty(t, changed, "the same map is no change")

	for _, bad := range []string{"", "{", regionMap("x\\u0007"), strings.Replace(regionMap("x"), `"5"`, `"999"`, 1), strings.Repeat(" ", derpmap.MaxBytes) + regionMap("x")} {
		body.Store(bad)
		clk.Advance(5 * time.Minute).MustWait(ctx)
		next()
		require.Equal(t, "one", f.Map().Regions[5].Code, "the last good one stays")
	}
	require.Equal(t, 5, strings.Count(out.String(), "level=WARN"))
	require.NotContains(t, out.String(), "hunter2")
	require.Contains(t, out.String(), "502 Bad Gateway")
	require.Contains(t, out.String(), "the id is that of the embedded relay")

	body.Store(regionMap("two"))
	clk.Advance(5 * time.Minute).MustWait(ctx)
	next()
	<-changed
	require.Equal(t, "two", f.Map().Regions[5].Code)
	require.EqualValues(t, 8, asked.Load())
	cancel()
	require.NoError(t, <-done)
}

func TestFeedStartsFromTheFile(t *testing.T) {
	t.Parallel()
	u, body, asked := site(t, regionMap("one"))
	cfg, _, _ := config(t, u)
	_, err := mapfeed.New(t.Context(), cfg)
	require.NoError(t, err)
	body.Store("")
	cfg.Base = tailrpc.RelayMap{}
	f, err := mapfeed.New(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, "one", f.Map().Regions[5].Code)
	require.EqualValues(t, 1, asked.Load(), "without waiting for the URL")

	other := *u
	other.Path = "/other"
	cfg.URL = &other
	_, err = mapfeed.New(t.Context(), cfg)
	require.ErrorContains(t, err, "502 Bad Gateway", "the file belongs to its URL")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestFeedWithoutAMapYet(t *testing.T) {
	t.Parallel()
	u, _, _ := site(t, "")
	cfg, _, out := config(t, u)
	f, err := mapfeed.New(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, f.Map().Regions, 1)
	require.Contains(t, out.String(), "embedded relay serves alone")
}
