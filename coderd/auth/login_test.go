package auth_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/coderdtest"
	"coder.internal/internal/password"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete
)

const wrong = api.Secret("not the password")

// TestWrongIsUnknown: same answer, and about the same time.
func TestWrongIsUnknown(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	d.FirstUser(t)
	anonymous := d.Client("")
	try := func(email string) ([]byte, time.Duration) {
		start := time.Now()
		res, text := anonymous.Raw(t, post, "/api/v2/users/login", api.LoginRequest{Email: email, Password: wrong})
		took := time.Since(start)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s", text)
		assert.Empty(t, res.Cookies())
		return text, took
	}
	var known, unknown []time.Duration
	for range 7 { // in turns, so that load falls on both
		a, tookA := try("admin@example.com")
		b, tookB := try("nobody@example.com")
		assert.Equal(t, string(a), string(b))
		known, unknown = append(known, tookA), append(unknown, tookB)
	}
	slices.Sort(known)
	slices.Sort(unknown)
	ratio := float64(known[3]) / float64(unknown[3])
	assert.Greater(t, ratio, 0.4, "known %v, unknown %v", known, unknown)
	assert.Less(t, ratio, 2.5, "known %v, unknown %v", known, unknown)
}

// from returns a client of another address of this machine.
func from(ip string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}

func login(t *testing.T, d *coderdtest.Deployment, c *http.Client, email string, secret api.Secret) int {
	t.Helper()
	body, err := json.Marshal(api.LoginRequest{Email: email, Password: secret})
	require.NoError(t, err)
	res, err := c.Post(d.URL.String()+"/api/v2/users/login", "application/json", bytes.NewReader(body)) //nolint:noctx // bounded by the test
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// TestGuessing: a stranger runs into the limit, also with many guesses at once on
// two replicas; the victim signs in all the same from where they did before.
func TestGuessing(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	other := coderdtest.Replica(t, d.DB)
	d.FirstUser(t)
	attacker := from("127.0.0.2")
	codes := make([]int, 40)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			codes[i] = login(t, []*coderdtest.Deployment{d, other}[i%2], attacker, "Admin@example.com", wrong)
		})
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	assert.LessOrEqual(t, count[http.StatusUnauthorized], 15+10, "%v", count) // as many as there are connections may overlap
	assert.Equal(t, len(codes), count[http.StatusUnauthorized]+count[http.StatusTooManyRequests], "%v", count)

	for i := 0; login(t, d, attacker, "admin@example.com", wrong) != http.StatusTooManyRequests; i++ {
		require.Less(t, i, 15)
	}
	assert.Equal(t, http.StatusTooManyRequests, login(t, d, attacker, "admin@example.com", coderdtest.Password), "right, but too late")
	assert.Equal(t, http.StatusTooManyRequests, login(t, other, from("127.0.0.3"), "admin@example.com", wrong), "another source, same account")
	d.Login(t, "admin@example.com")

	// Waiting helps.
	_, err := d.DB.Pool().Exec(t.Context(), "update login_failures set at = at - interval '6 minutes'")
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, login(t, d, attacker, "admin@example.com", coderdtest.Password))
}

// TestSource: one source cannot try one password on everybody.
func TestSource(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	attacker := from("127.0.0.4")
	tries := 0
	for login(t, d, attacker, strings.Repeat("x", tries)+"@example.com", wrong) == http.StatusUnauthorized {
		tries++
	}
	assert.Equal(t, 30, tries)
	var texts int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), "select count(*) from login_failures where subject like '%example%'").Scan(&texts))
	assert.Zero(t, texts, "what people typed is not stored")
}

func TestCookie(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t, func(c *coderdtest.Config) { c.Auth.SecureCookies = true })
	d.FirstUser(t)
	res, _ := d.Client("").Raw(t, post, "/api/v2/users/login", api.LoginRequest{Email: "ADMIN@example.com", Password: coderdtest.Password})
	require.Equal(t, http.StatusCreated, res.StatusCode)
	require.Len(t, res.Cookies(), 1)
	c := res.Cookies()[0]
	assert.Equal(t, "coder_session_token", c.Name)
	assert.True(t, c.HttpOnly)
	assert.True(t, c.Secure)
	assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
	assert.Equal(t, "/", c.Path)

	do := func(method, path, origin string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, d.URL.String()+path, nil)
		require.NoError(t, err)
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	assert.Equal(t, http.StatusOK, do(get, "/api/v2/users/me", ""))
	assert.Equal(t, http.StatusForbidden, do(post, "/api/v2/users/logout", ""))
	assert.Equal(t, http.StatusForbidden, do(post, "/api/v2/users/logout", "http://evil.example"))
	assert.Equal(t, http.StatusOK, do(post, "/api/v2/users/logout", d.URL.String()))
	assert.Equal(t, http.StatusUnauthorized, do(get, "/api/v2/users/me", ""))
}

func TestCookieOptions(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t, func(c *coderdtest.Config) {
		c.Auth.SecureCookies, c.Auth.CrossSiteCookies, c.Auth.HostPrefixCookie = true, true, true
	})
	d.FirstUser(t)
	res, _ := d.Client("").Raw(t, post, "/api/v2/users/login", api.LoginRequest{Email: "admin@example.com", Password: coderdtest.Password})
	require.Equal(t, http.StatusCreated, res.StatusCode)
	require.Len(t, res.Cookies(), 1)
	c := res.Cookies()[0]
	assert.Equal(t, "__Host-coder_session_token", c.Name)
	assert.Equal(t, http.SameSiteNoneMode, c.SameSite)
	assert.True(t, c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "")
}

// TestLoginFromElsewhere: another site cannot sign a visitor in.
func TestLoginFromElsewhere(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	d.FirstUser(t)
	body, err := json.Marshal(api.LoginRequest{Email: "admin@example.com", Password: coderdtest.Password})
	require.NoError(t, err)
	for site, want := range map[string]int{"cross-site": http.StatusForbidden, "same-site": http.StatusForbidden, "same-origin": http.StatusCreated} {
		req, err := http.NewRequestWithContext(t.Context(), post, d.URL.String()+"/api/v2/users/login", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Sec-Fetch-Site", site)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, want, res.StatusCode, site)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	d.FirstUser(t)
	a, b := d.Login(t, "admin@example.com"), d.Login(t, "admin@example.com")
	coderdtest.Do[api.Response](t, a, http.StatusOK, post, "/api/v2/users/logout", nil)
	coderdtest.Do[api.Error](t, a, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	coderdtest.Do[api.User](t, b, http.StatusOK, get, "/api/v2/users/me", nil)
	log := coderdtest.Do[api.AuditLogResponse](t, b, http.StatusOK, get, "/api/v2/audit?q=action:logout", nil)
	assert.Equal(t, 1, log.Count)
	log = coderdtest.Do[api.AuditLogResponse](t, b, http.StatusOK, get, "/api/v2/audit?q=action:login", nil)
	assert.Equal(t, 3, log.Count)
}

func TestPasswordAuthDisabled(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	d.NewUser(t, owner, "bob")
	closed := coderdtest.Replica(t, d.DB, func(c *coderdtest.Config) { c.Auth.DisablePasswordAuth = true })
	methods := coderdtest.Do[api.AuthMethods](t, closed.Client(""), http.StatusOK, get, "/api/v2/users/authmethods", nil)
	assert.False(t, methods.Password.Enabled)
	assert.Equal(t, http.StatusForbidden, login(t, closed, http.DefaultClient, "bob@example.com", coderdtest.Password))
	assert.Equal(t, http.StatusUnauthorized, login(t, closed, http.DefaultClient, "bob@example.com", wrong))
	closed.Login(t, "admin@example.com")
}

// TestSession: the expiry slides with use, written once a minute at most, and an
// expired session is over.
func TestSession(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	c := d.FirstUser(t)
	id, _, _ := strings.Cut(c.Token.Reveal(), "-")
	key := func() api.Key {
		return coderdtest.Do[api.Key](t, c, http.StatusOK, get, "/api/v2/users/me/keys/"+id, nil)
	}
	fresh := key()
	assert.Equal(t, api.LoginPassword, fresh.LoginType)
	assert.Equal(t, int64(24*3600), fresh.LifetimeSeconds)
	assert.Equal(t, fresh.LastUsed, key().LastUsed, "not written again within the minute")

	_, err := d.DB.Pool().Exec(t.Context(), "update api_keys set last_used = now() - interval '2 minutes', expires_at = now() + interval '1 minute'")
	require.NoError(t, err)
	slid := key()
	assert.WithinDuration(t, fresh.ExpiresAt, slid.ExpiresAt, time.Minute)
	me := coderdtest.Do[api.User](t, c, http.StatusOK, get, "/api/v2/users/me", nil)
	assert.WithinDuration(t, slid.LastUsed, me.LastSeenAt, time.Second)

	still := coderdtest.Replica(t, d.DB, func(c *coderdtest.Config) { c.Auth.DisableSessionRefresh = true })
	_, err = d.DB.Pool().Exec(t.Context(), "update api_keys set last_used = now() - interval '2 minutes', expires_at = now() + interval '1 minute'")
	require.NoError(t, err)
	coderdtest.Do[api.User](t, still.Client(c.Token), http.StatusOK, get, "/api/v2/users/me", nil)
	assert.Less(t, time.Until(key().ExpiresAt), 2*time.Minute)

	_, err = d.DB.Pool().Exec(t.Context(), "update api_keys set expires_at = now()")
	require.NoError(t, err)
	coderdtest.Do[api.Error](t, c, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	c := d.FirstUser(t)
	text := c.Token.Reveal()
	last := "A"
	if strings.HasSuffix(text, "A") {
		last = "B"
	}
	for _, forged := range []string{text[:len(text)-1], text[:len(text)-1] + last, text + "A", strings.ToLower(text) + " ", text[:11] + strings.Repeat("a", 22)} {
		coderdtest.Do[api.Error](t, d.Client(api.Secret(forged)), http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	elsewhere := d.Login(t, "bob@example.com")
	const path = "/api/v2/users/me/password"
	e := coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, path, api.UpdateUserPasswordRequest{Password: "a new long one"})
	assert.Equal(t, "old_password", e.Validations[0].Field)
	e = coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, path, api.UpdateUserPasswordRequest{Password: "a new long one", OldPassword: wrong})
	assert.Equal(t, "old_password", e.Validations[0].Field)
	e = coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, path, api.UpdateUserPasswordRequest{Password: "short", OldPassword: coderdtest.Password})
	assert.Equal(t, "password", e.Validations[0].Field)
	var failed int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), "select count(*) from audit_logs where status_code = 400 and resource_id = $1", bob.User.ID).Scan(&failed))
	assert.Equal(t, 1, failed, "a wrong old password leaves an entry")
	check := coderdtest.Do[api.ValidatePasswordResponse](t, d.Client(""), http.StatusOK, post, "/api/v2/users/validate-password", api.ValidatePasswordRequest{Password: "short"})
	assert.False(t, check.Valid)
	assert.NotEmpty(t, check.Details)

	res, text := bob.Raw(t, put, path, api.UpdateUserPasswordRequest{Password: "a new long one", OldPassword: coderdtest.Password})
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
	coderdtest.Do[api.User](t, bob, http.StatusOK, get, "/api/v2/users/me", nil)
	coderdtest.Do[api.Error](t, elsewhere, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	assert.Equal(t, http.StatusUnauthorized, login(t, d, http.DefaultClient, "bob@example.com", coderdtest.Password))

	// An owner needs no old one, and ends every session.
	res, text = owner.Raw(t, put, "/api/v2/users/bob/password", api.UpdateUserPasswordRequest{Password: coderdtest.Password})
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
	coderdtest.Do[api.Error](t, bob, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	bob = d.Login(t, "bob@example.com")

	// A stolen session does not serve to guess.
	guess := func() int {
		res, _ := bob.Raw(t, put, path, api.UpdateUserPasswordRequest{Password: "a new long one", OldPassword: wrong})
		return res.StatusCode
	}
	tries := 0
	for guess() == http.StatusBadRequest {
		tries++
	}
	assert.Equal(t, http.StatusTooManyRequests, guess())
	assert.LessOrEqual(t, tries, 10)
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	h := password.New(runtime.GOMAXPROCS(0))
	require.NoError(t, auth.ResetPassword(t.Context(), d.DB, h, "admin", "a new long one"))
	coderdtest.Do[api.Error](t, owner, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	assert.Equal(t, http.StatusCreated, login(t, d, http.DefaultClient, "admin@example.com", "a new long one"))
	assert.Equal(t, api.CodeNotFound, api.CodeOf(auth.ResetPassword(t.Context(), d.DB, h, "nobody", "a new long one")))
	assert.Equal(t, api.CodeInvalid, api.CodeOf(auth.ResetPassword(t.Context(), d.DB, h, "admin", "short")))
}
