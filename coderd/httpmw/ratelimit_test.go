package httpmw_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
)

// asker sends requests to a limiter as one caller.
type asker struct {
	t       *testing.T
	l       *httpmw.RateLimit
	subject rbac.Subject // zero: nobody is signed in
	address string
	bypass  bool
}

func (a asker) ask(method, path string) (http.Header, error) {
	r := httptest.NewRequestWithContext(a.t.Context(), method, path, nil)
	r.RemoteAddr = a.address + ":1"
	if a.bypass {
		r.Header.Set(httpmw.BypassRateLimitHeader, "true")
	}
	ctx := r.Context()
	if !a.subject.UserID.IsZero() {
		ctx = rbac.WithSubject(ctx, a.subject)
	}
	rec := httptest.NewRecorder()
	err := a.l.Admit(ctx, rec, r, httpapi.Route{Method: method, Path: path, Rule: rbac.SignedIn()})
	return rec.Header(), err
}

// many asks n times and returns how many were let through.
func (a asker) many(n int, path string) (passed int) {
	for range n {
		if _, err := a.ask(http.MethodGet, path); err == nil {
			passed++
		}
	}
	return passed
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	clk := quartz.NewMock(t).WithLogger(quartz.NoOpLogger)
	l := httpmw.NewRateLimit(10, clk)
	bob := asker{t: t, l: l, subject: rbac.Subject{UserID: api.NewID()}, address: "192.0.2.1"}
	h, err := bob.ask(http.MethodGet, "/api/v2/users")
	require.NoError(t, err)
	assert.Equal(t, "10", h.Get("X-RateLimit-Limit"))
	assert.Equal(t, "9", h.Get("X-RateLimit-Remaining"))
	assert.Equal(t, strconv.FormatInt(clk.Now().Add(time.Minute).Unix(), 10), h.Get("X-RateLimit-Reset"))
	assert.Equal(t, 9, bob.many(20, "/api/v2/users"))
	assert.Equal(t, 10, bob.many(20, "/api/v2/workspaces"), "each route counts alone")
	carol := bob
	carol.subject.UserID = api.NewID()
	assert.Equal(t, 10, carol.many(20, "/api/v2/users"), "each user counts alone, also behind one address")

	clk.Advance(20 * time.Second)
	h, err = bob.ask(http.MethodGet, "/api/v2/users")
	require.Equal(t, api.CodeRateLimited, api.CodeOf(err))
	var e *api.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 46*time.Second, e.RetryAfter)
	clk.Advance(46 * time.Second)
	_, err = bob.ask(http.MethodGet, "/api/v2/users")
	require.NoError(t, err, "whoever waits as long as told gets through")
	assert.Equal(t, "0", h.Get("X-RateLimit-Remaining"))

	// The minute slides: half of it later, half of what was asked still counts.
	clk.Advance(24 * time.Second)
	assert.Equal(t, 5, carol.many(20, "/api/v2/users"))
	clk.Advance(3 * time.Minute)
	assert.Equal(t, 10, carol.many(20, "/api/v2/users"))
}

func TestRateLimitOfStrangers(t *testing.T) {
	t.Parallel()
	l := httpmw.NewRateLimit(10, quartz.NewMock(t).WithLogger(quartz.NoOpLogger))
	home := asker{t: t, l: l, address: "[2001:db8:1:2:3::1]"}
	assert.Equal(t, 10, home.many(20, "/api/v2/buildinfo"))
	home.address = "[2001:db8:1:2:9999::7]"
	assert.Equal(t, 0, home.many(1, "/api/v2/buildinfo"), "one customer has one network")
	home.address = "[2001:db8:1:3::1]"
	assert.Equal(t, 1, home.many(1, "/api/v2/buildinfo"))
}

func TestRateLimitOfSignIns(t *testing.T) {
	t.Parallel()
	l := httpmw.NewRateLimit(512, quartz.NewMock(t).WithLogger(quartz.NoOpLogger))
	a := asker{t: t, l: l, address: "192.0.2.1", subject: rbac.Subject{UserID: api.NewID()}}
	passed := 0
	for range 100 {
		a.subject.UserID = api.NewID() // whoever it is: the source counts
		if _, err := a.ask(http.MethodPut, "/api/v2/users/{user}/password"); err == nil {
			passed++
		}
	}
	assert.Equal(t, 60, passed)
}

func TestRateLimitBypass(t *testing.T) {
	t.Parallel()
	l := httpmw.NewRateLimit(1, quartz.NewMock(t).WithLogger(quartz.NoOpLogger))
	owner := asker{t: t, l: l, address: "192.0.2.1", bypass: true, subject: rbac.Subject{UserID: api.NewID(), SiteRoles: []string{rbac.RoleOwner}}}
	assert.Equal(t, 50, owner.many(50, "/api/v2/users"))
	bob := owner
	bob.subject.SiteRoles = nil
	_, err := bob.ask(http.MethodGet, "/api/v2/users")
	assert.Equal(t, api.CodeForbidden, api.CodeOf(err))
}

// TestRateLimitIsBounded: a flood of addresses does not grow memory, and does not
// touch who was there before it.
func TestRateLimitIsBounded(t *testing.T) {
	t.Parallel()
	l := httpmw.NewRateLimit(1000, quartz.NewMock(t).WithLogger(quartz.NoOpLogger))
	bob := asker{t: t, l: l, address: "192.0.2.1", subject: rbac.Subject{UserID: api.NewID()}}
	require.Equal(t, 1, bob.many(1, "/api/v2/users"))
	for i := range httpmw.MaxCounters + 100 {
		l.Count("source " + strconv.Itoa(i))
	}
	assert.LessOrEqual(t, l.Counters(), httpmw.MaxCounters+1)
	assert.Equal(t, 10, bob.many(10, "/api/v2/users"))
}
