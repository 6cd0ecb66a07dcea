package jobs_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
)

// serve asks for the websocket of a daemon with a credential, without upgrading:
// the credential is looked at first.
func (p plane) serve(header, credential string, daemon api.ID) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet,
		p.URL.String()+"/api/v2/organizations/default/provisionerdaemons/serve?name=x&id="+daemon.String(), nil)
	require.NoError(p.t, err)
	req.Header.Set(header, credential)
	res, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	require.NoError(p.t, res.Body.Close())
	return res
}

// Guesses from one source are refused after a while, many at once too, and say
// when to come back. Daemons with a right credential do not notice.
func TestGuessesOfCredentials(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	key := p.key("cloud", nil)
	old := client.Daemon{ID: api.NewID(), Name: "old", PSK: "between us"}
	require.NoError(t, p.source(old).Connect(t.Context()))

	got := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 60 {
		header := api.ProvisionerPSKHeader
		if i%2 == 0 {
			header = api.ProvisionerKeyHeader
		}
		all.Go(func() {
			res := p.serve(header, fmt.Sprint("guess ", i), api.NewID())
			mu.Lock()
			defer mu.Unlock()
			got[res.StatusCode]++
			if res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "10" {
				t.Error("Retry-After", res.Header)
			}
		})
	}
	all.Wait()
	require.Equal(t, map[int]int{http.StatusUnauthorized: 30, http.StatusTooManyRequests: 30}, got)
	require.Equal(t, http.StatusTooManyRequests, p.serve(api.ProvisionerKeyHeader, "guess", api.NewID()).StatusCode)

	// Here the right one tells a guesser nothing.
	code(t, api.CodeRateLimited, p.source(client.Daemon{Name: "new", PSK: "between us"}).Connect(t.Context()))
	_, err := client.New(p.URL).OwnProvisionerKey(t.Context(), "guess")
	code(t, api.CodeRateLimited, err)
	var refused *api.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 10*time.Second, refused.RetryAfter)

	require.NoError(t, p.source(client.Daemon{Name: "keyed", Key: key}).Connect(t.Context()))
	require.NoError(t, p.source(old).Connect(t.Context()), "it has shown the right one before")
	for range 10 {
		require.Equal(t, http.StatusUnauthorized, p.serve(api.ProvisionerPSKHeader, "guess", old.ID).StatusCode)
	}
	require.Equal(t, http.StatusTooManyRequests, p.serve(api.ProvisionerPSKHeader, "between us", old.ID).StatusCode, "its id is no way around")

	// Waiting helps: what was refused did not count.
	_, err = p.DB.Pool().Exec(t.Context(), "update login_failures set at = at - interval '6 minutes'")
	require.NoError(t, err)
	require.NoError(t, p.source(client.Daemon{Name: "newer", PSK: "between us"}).Connect(t.Context()))
	require.NoError(t, p.source(old).Connect(t.Context()))
}

// Many sources together are limited, too.
func TestGuessesOfManySources(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	old := client.Daemon{ID: api.NewID(), Name: "old", PSK: "between us"}
	require.NoError(t, p.source(old).Connect(t.Context()))
	require.Equal(t, http.StatusUnauthorized, p.serve(api.ProvisionerPSKHeader, "guess", api.NewID()).StatusCode)
	_, err := p.DB.Pool().Exec(t.Context(), `insert into login_failures (subject)
		select f.subject from login_failures f, generate_series(1, 1000) where f.subject = (
			select subject from login_failures order by id desc limit 1)`)
	require.NoError(t, err)
	require.Equal(t, http.StatusTooManyRequests, p.serve(api.ProvisionerPSKHeader, "guess", api.NewID()).StatusCode)
	require.NoError(t, p.source(old).Connect(t.Context()))
}
