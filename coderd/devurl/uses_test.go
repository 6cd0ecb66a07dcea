package devurl_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/devurl"
)

// used is what Apps was told of, once.
func (w *town) used() (uses []devurl.Use) {
	w.set(func() { uses, w.uses = w.uses, nil })
	return uses
}

// nextMinute lets a minute of the proxy's clock pass, at the pace of its decisions.
func (w *town) nextMinute() {
	w.Helper()
	for was := w.clock.Now().Truncate(time.Minute); w.clock.Now().Truncate(time.Minute).Equal(was); {
		w.clock.Advance(time.Second).MustWait(w.Context())
	}
}

// hears waits until Apps is told of a use.
func (w *town) hears(u devurl.Use) {
	w.Helper()
	for {
		select {
		case uses := <-w.told:
			if slices.Contains(uses, u) {
				return
			}
		case <-time.After(time.Minute):
			w.Fatalf("nobody told of %v", u)
		}
	}
}

// TestOpenStreamIsUse: a websocket that is silent is use in each minute in which it is
// open; what is not taken is told again, and nothing is told twice.
func TestOpenStreamIsUse(t *testing.T) {
	t.Parallel()
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		conn, brw, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(io.Discard, brw)
	}))
	start := w.clock.Now().UTC().Truncate(time.Minute)
	use := func(minute int) devurl.Use {
		return devurl.Use{WorkspaceID: w.place.WorkspaceID, UserID: w.place.UserID, App: "8080", Minute: start.Add(time.Duration(minute) * time.Minute)}
	}
	w.nextMinute()
	require.Empty(t, w.used(), "nobody is there")
	w.upgrade()
	for minute := 2; minute <= 5; minute++ {
		w.set(func() {
			w.full = nil
			if minute == 3 {
				w.full = errors.New("the database is away")
			}
		})
		w.nextMinute()
		w.hears(use(minute))
	}
	w.stop()
	require.ElementsMatch(t, []devurl.Use{use(1), use(2), use(3), use(4), use(5)}, w.used())
}

// TestRequestsAreUse: many requests of a minute are one use, also where they came in
// the last moment of a proxy; those of nobody are none.
func TestRequestsAreUse(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]api.ID{"somebody": api.NewID(), "nobody": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			w.set(func() { w.place.UserID = user })
			for range 3 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/", nil)
				require.NoError(t, err)
				req.Host = appHost
				res, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				require.Equal(t, http.StatusOK, res.StatusCode)
			}
			w.stop()
			want := 1
			if user.IsZero() {
				want = 0
			}
			require.Len(t, w.used(), want)
		})
	}
}
