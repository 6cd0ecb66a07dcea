package httpmw

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/internal/clock"
)

// BypassRateLimitHeader, set to "true" by an owner, keeps a request from counting.
const BypassRateLimitHeader = "X-Coder-Bypass-Ratelimit"

const (
	rateWindow = time.Minute
	// maxCounters bounds each window. Keys beyond it share one counter, so that a
	// flood of addresses costs memory no more than it costs others their requests.
	maxCounters = 1 << 16
	// signInLimit is the limit of routes that try passwords, for each source.
	signInLimit = 60
)

// signIn are the routes that try or judge passwords: their work is costly.
var signIn = []string{
	"POST /api/v2/users/login", "POST /api/v2/users/first", "POST /api/v2/users/validate-password",
	"PUT /api/v2/users/{user}/password",
}

// RateLimit counts requests in a sliding minute, in the memory of this replica: for
// each user and route, or source and route where nobody is signed in. It protects a
// replica from a loop that ran away; guessing is limited in the database (package
// auth). Agents and provisioner daemons have limits of their own.
type RateLimit struct {
	limit int
	clock clock.Clock

	mu        sync.Mutex // guards what follows
	begin     time.Time
	now, last map[string]int
}

// NewRateLimit returns a limiter of limit requests a minute.
func NewRateLimit(limit int, c clock.Clock) *RateLimit {
	return &RateLimit{limit: limit, clock: c, now: map[string]int{}, last: map[string]int{}}
}

// Admit implements httpapi.Limiter.
func (l *RateLimit) Admit(ctx context.Context, w http.ResponseWriter, r *http.Request, route httpapi.Route) error {
	name := route.Method + " " + route.Path
	subject, signedIn := rbac.SubjectFrom(ctx)
	if r.Header.Get(BypassRateLimitHeader) == "true" && !route.Rule.IsPublic() && signedIn {
		if !slices.Contains(subject.SiteRoles, rbac.RoleOwner) {
			return &api.Error{Code: api.CodeForbidden, Message: "Only owners may send " + BypassRateLimitHeader + ". Leave the header out."}
		}
		return nil
	}
	limit, key := l.limit, "user "+subject.UserID.String()
	if !signedIn {
		key = "source " + sourceOf(r)
	}
	if slices.Contains(signIn, name) {
		limit, key = min(limit, signInLimit), "source "+sourceOf(r)
	}
	used, reset := l.count(key+" "+name, limit)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-used)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if used <= limit {
		return nil
	}
	// At the reset the whole last window still counts; a moment later one is free.
	wait := reset.Sub(l.clock.Now()) + rateWindow/time.Duration(limit)
	return &api.Error{Code: api.CodeRateLimited, RetryAfter: wait,
		Message: fmt.Sprintf("You have sent more than %d requests to this route within a minute. Wait %d seconds.", limit, int(math.Ceil(wait.Seconds())))}
}

// count adds one to key and returns how many there were in the last minute, as far
// as two counters tell, and when this window ends. One over the limit is not counted:
// who is refused gets through again by waiting, also if they keep asking.
func (l *RateLimit) count(key string, limit int) (used int, reset time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	switch passed := now.Sub(l.begin); {
	case passed >= 2*rateWindow || passed < 0:
		l.begin, l.now, l.last = now, map[string]int{}, map[string]int{}
	case passed >= rateWindow:
		l.begin, l.now, l.last = l.begin.Add(rateWindow), map[string]int{}, l.now
	}
	if _, known := l.now[key]; !known && len(l.now) >= maxCounters {
		key = "others"
	}
	left := 1 - float64(now.Sub(l.begin))/float64(rateWindow)
	used = l.now[key] + int(float64(l.last[key])*left) + 1
	if used <= limit {
		l.now[key]++
	}
	return used, l.begin.Add(rateWindow)
}

// sourceOf is an IPv4 address, or the /64 that one IPv6 customer holds.
func sourceOf(r *http.Request) string {
	a, err := netip.ParseAddr(ClientIP(r))
	if err != nil {
		return strings.ToLower(ClientIP(r))
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
