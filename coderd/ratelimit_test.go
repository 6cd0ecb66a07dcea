package coderd_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/coderdtest"
)

// TestRateLimitOnRoutes: a user who asks too often is told so with the headers of the
// reference; agents, liveness, other users and other routes do not notice.
func TestRateLimitOnRoutes(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t, func(c *coderdtest.Config) { c.RateLimit = 20 })
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	const path = "/api/v2/organizations"
	var last *http.Response
	for range 21 {
		last, _ = bob.Raw(t, http.MethodGet, path, nil)
	}
	require.Equal(t, http.StatusTooManyRequests, last.StatusCode)
	assert.Equal(t, "20", last.Header.Get("X-RateLimit-Limit"))
	assert.Equal(t, "0", last.Header.Get("X-RateLimit-Remaining"))
	assert.NotEmpty(t, last.Header.Get("X-RateLimit-Reset"))
	wait, err := strconv.Atoi(last.Header.Get("Retry-After"))
	require.NoError(t, err)
	assert.LessOrEqual(t, wait, 60+60/20+1)
	assert.Positive(t, wait)
	for _, c := range []struct {
		client *coderdtest.Client
		path   string
	}{{owner, path}, {bob, "/api/v2/users/me"}, {d.Client(""), "/healthz"}} {
		res, text := c.client.Raw(t, http.MethodGet, c.path, nil)
		assert.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", c.path, text)
	}
	// Who is refused counts as their address.
	for range 21 {
		last, _ = d.Client("no-token").Raw(t, http.MethodGet, "/api/v2/templates", nil)
	}
	assert.Equal(t, http.StatusTooManyRequests, last.StatusCode)
	res, _ := bob.Raw(t, http.MethodGet, "/api/v2/templates", nil)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	for range 50 {
		last, _ = d.Client("no-agent").Raw(t, http.MethodGet, "/healthz", nil)
		require.Equal(t, http.StatusOK, last.StatusCode)
	}
}
