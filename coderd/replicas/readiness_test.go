package replicas_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/replicas"
	"coder.internal/database/dbtest"
)

func (r *replica) wantReady(status int, cause string) {
	r.t.Helper()
	rec := httptest.NewRecorder()
	r.HandleReadyz(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	require.Equal(r.t, status, rec.Code, rec.Body)
	var out api.Readiness
	require.NoError(r.t, json.Unmarshal(rec.Body.Bytes(), &out))
	require.Equal(r.t, cause, out.Cause)
	require.Equal(r.t, cause == "", out.Ready)
	require.NotEmpty(r.t, out.Message)
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := dbtest.Open(t, dbtest.URL(t))
	r := w.replica("a", func(o *replicas.Options) { o.DB = own })
	r.wantReady(http.StatusServiceUnavailable, api.NotReadyStarting)
	r.SetReady()
	r.wantReady(http.StatusOK, "")
	r.clock.Advance(time.Hour) // nobody asked for so long
	r.wantReady(http.StatusOK, "")
	own.Close()
	r.clock.Advance(4 * time.Second)
	r.wantReady(http.StatusOK, "")
	r.clock.Advance(time.Second)
	r.wantReady(http.StatusServiceUnavailable, api.NotReadyDatabase)
	r.Drain(t.Context(), time.Hour)
	r.wantReady(http.StatusServiceUnavailable, api.NotReadyDraining)
}

// A replica waits for balancers only where another one can take over.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica("a"), w.replica("b")
	b.round()
	a.round()
	a.Drain(t.Context(), time.Hour) // b may be what a crash left behind

	rounds(1, b, a)
	trap := a.clock.Trap().NewTimer("replicas", "rest")
	defer trap.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Drain(t.Context(), 3*time.Second)
	}()
	trap.MustWait(t.Context()).MustRelease(t.Context())
	a.wantReady(http.StatusServiceUnavailable, api.NotReadyDraining)
	require.Empty(t, done)
	a.clock.Advance(3 * time.Second).MustWait(t.Context())
	receive(t, done)
}
