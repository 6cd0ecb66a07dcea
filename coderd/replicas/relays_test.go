package replicas_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/replicas"
	"coder.internal/database/dbtest"
)

const meshKey = api.Secret("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")

// at gives a replica a relay URL, and server what answers there.
func at(url string) func(*replicas.Options) {
	return func(o *replicas.Options) {
		o.Self.RelayURL, o.MeshKey = url, meshKey
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
}

// door is an HTTP server whose handler is set later.
func door(t *testing.T) (string, *http.ServeMux) {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL, mux
}

func TestVerifyRelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, mux := door(t)
	a := w.replica("a", at(url))
	mux.HandleFunc("GET "+api.PathReplica, a.HandleIdentity)
	mux.HandleFunc("GET /prefix"+api.PathReplica, a.HandleIdentity)
	a.round()
	require.NoError(t, a.VerifyRelay(t.Context()))
	require.NoError(t, w.replica("none").VerifyRelay(t.Context()))

	other := w.replica("b", at(url))
	err := other.VerifyRelay(t.Context())
	require.ErrorContains(t, err, "leads to another server of this deployment ("+a.id().String()+"): is it the balancer's address?")
	stranger := w.replica("c", at(url+"/prefix"), func(o *replicas.Options) { o.MeshKey = meshKey[:62] + "00" })
	require.ErrorContains(t, stranger.VerifyRelay(t.Context()), "/prefix leads to a server that does not belong to this deployment")

	// After a crash the next process at the address ends the wait for the last one.
	next := w.replica("a", at(url))
	next.round()
	require.Equal(t, []api.ID{a.id()}, ids(next.Others()))
	nextMux := http.NewServeMux()
	nextMux.HandleFunc("GET "+api.PathReplica, next.HandleIdentity)
	srv := httptest.NewServer(nextMux)
	defer srv.Close()
	moved := w.replica("a", at(srv.URL), func(o *replicas.Options) { o.Self.ID = next.id() })
	w.exec("update replicas set relay_url = $1", srv.URL)
	require.NoError(t, moved.VerifyRelay(t.Context()))
	rounds(1, next)
	require.Empty(t, next.Others())
	require.Equal(t, []api.ID{a.id()}, next.Pending())
}

func TestVerifyRelayUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	redirects, mux := door(t)
	mux.Handle("/", http.RedirectHandler("http://127.0.0.1:1/", http.StatusTemporaryRedirect))
	html, mux := door(t)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	for name, c := range map[string]struct{ url, want string }{
		"nobody":   {"http://" + l.Addr().String(), "cannot be reached from this server: dial tcp " + l.Addr().String()},
		"redirect": {redirects, "cannot be reached from this server: the answer to /derp/replica is HTTP 307"},
		"page":     {html, "cannot be reached from this server: the answer to /derp/replica is not that of a replica"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.replica("a", at(c.url))
			began := r.clock.Now()
			ctx, cancel := context.WithCancel(t.Context())
			trap := r.clock.Trap().NewTimer("replicas", "rest")
			defer trap.Close()
			done := make(chan error, 1)
			go func() {
				done <- r.VerifyRelay(t.Context())
				cancel()
			}()
			for {
				call, err := trap.Wait(ctx)
				if errors.Is(err, context.Canceled) {
					break
				}
				require.NoError(t, err)
				call.MustRelease(ctx)
				r.clock.Advance(250 * time.Millisecond).MustWait(ctx)
			}
			err := <-done
			require.ErrorContains(t, err, c.url)
			require.ErrorContains(t, err, c.want)
			require.GreaterOrEqual(t, r.clock.Since(began), 15*time.Second)
		})
	}
}

func TestIdentityRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.replica("a", at("http://127.0.0.1:1"))
	for _, nonce := range []string{"", "00", "zz112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff00"} {
		rec := httptest.NewRecorder()
		a.HandleIdentity(rec, httptest.NewRequest(http.MethodGet, api.PathReplica+"?nonce="+nonce, nil))
		require.Equal(t, http.StatusBadRequest, rec.Code, nonce)
	}
}

// Each replica says how far the relays of the others are, and which it cannot reach.
func TestRelaysOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urlA, muxA := door(t)
	urlB, muxB := door(t)
	a, b, none := w.replica("a", at(urlA)), w.replica("b", at(urlB)), w.replica("none")
	muxA.HandleFunc("GET "+api.PathReplica, a.HandleIdentity)
	muxB.HandleFunc("GET "+api.PathReplica, b.HandleIdentity)
	lost := w.replica("lost", at("http://127.0.0.1:1"))
	for _, r := range []*replica{a, b, none, lost, a} {
		r.round()
	}
	a.CheckRelays(t.Context())
	rounds(1, a, b)
	var seen replicas.Replica
	for _, o := range b.Others() {
		if o.ID == a.id() {
			seen = o
		}
	}
	require.Contains(t, seen.Error, "cannot reach lost at http://127.0.0.1:1: dial tcp 127.0.0.1:1")
	require.Len(t, seen.Latencies, 1)
	require.Contains(t, seen.Latencies, b.id())
}

func TestMeshKey(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	raw := func(b byte) []byte {
		k := make([]byte, keys.KeySize)
		k[0] = b
		return k
	}
	ring, err := keys.NewRing(raw(1))
	require.NoError(t, err)
	type result struct {
		key api.Secret
		err error
	}
	found := make(chan result, 8)
	for range cap(found) { // all start at once on an empty database
		go func() {
			key, err := replicas.MeshKey(t.Context(), db, ring)
			found <- result{key, err}
		}()
	}
	first := <-found
	require.NoError(t, first.err)
	require.Regexp(t, `^[0-9a-f]{64}$`, first.key.Reveal())
	for range cap(found) - 1 {
		require.Equal(t, first, <-found)
	}
	stored, err := db.GetSiteConfig(t.Context(), keys.MeshConfig)
	require.NoError(t, err)
	require.NotContains(t, stored, first.key.Reveal())

	next, err := keys.NewRing(raw(2), raw(1))
	require.NoError(t, err)
	require.NoError(t, keys.Rotate(t.Context(), db, next, func(int) {}))
	_, err = replicas.MeshKey(t.Context(), db, ring)
	require.ErrorIs(t, err, keys.ErrUnknownKey)
	plain, err := next.Clear()
	require.NoError(t, err)
	for range 2 { // sealed with the new key, then not at all
		key, err := replicas.MeshKey(t.Context(), db, next)
		require.NoError(t, err)
		require.Equal(t, first.key, key)
		require.NoError(t, keys.Rotate(t.Context(), db, plain, func(int) {}))
	}
	require.NoError(t, keys.Rotate(t.Context(), db, next, func(int) {}))
	require.NoError(t, keys.Discard(t.Context(), db.Queries))
	key, err := replicas.MeshKey(t.Context(), db, ring)
	require.NoError(t, err)
	require.NotEqual(t, first.key, key)
}
