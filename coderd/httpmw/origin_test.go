package httpmw_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
)

// anybody takes every token.
type anybody struct{}

func (anybody) Authenticate(context.Context, api.Secret) (rbac.Subject, string, error) {
	return rbac.Subject{Username: "alice"}, "key", nil
}

// ask is a request to a deployment at https://coder.example.
type ask struct {
	method, host  string
	origin, site  string
	cookie, token bool
	upgrade       bool
}

func (a ask) request() *http.Request {
	r := httptest.NewRequest(a.method, "/api/v2/x", nil)
	r.Host = a.host
	for name, value := range map[string]string{"Origin": a.origin, "Sec-Fetch-Site": a.site} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if a.cookie {
		r.AddCookie(&http.Cookie{Name: api.SessionTokenCookie, Value: "abc"})
	}
	if a.token {
		r.Header.Set(api.SessionTokenHeader, "abc")
	}
	if a.upgrade {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
	}
	return r
}

func access(t *testing.T) *url.URL {
	u, err := url.Parse("https://coder.example")
	require.NoError(t, err)
	return u
}

// TestWhoseRequest: what a request of each shape is let do. Guard is for all routes,
// the session for those that need one.
func TestWhoseRequest(t *testing.T) {
	t.Parallel()
	const get, post, own, name = http.MethodGet, http.MethodPost, "https://coder.example", "coder.example"
	pages := httpmw.NewPages(access(t), false)
	guarded := pages.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	session := httpmw.Session(anybody{}, pages)
	for what, c := range map[string]struct {
		ask
		passes, signsIn bool
	}{
		"program without a credential": {ask{method: post, host: name}, true, false},
		"program with a token":         {ask{method: post, host: "anything", token: true}, true, true},
		"program with a cookie reads":  {ask{method: get, host: name, cookie: true}, true, true},
		"program with a cookie acts":   {ask{method: post, host: name, cookie: true}, true, false},
		"cookie opens a stream":        {ask{method: get, host: name, cookie: true, upgrade: true}, true, false},

		"own page acts":                 {ask{method: post, host: name, origin: own, cookie: true}, true, true},
		"own page opens a stream":       {ask{method: get, host: name, origin: own, cookie: true, upgrade: true}, true, true},
		"own page, port said":           {ask{method: post, host: name, origin: own + ":443", cookie: true}, true, true},
		"own page, host in capitals":    {ask{method: post, host: "CODER.example", origin: own, site: "same-origin", cookie: true}, true, true},
		"own page, proxy changed host":  {ask{method: post, host: "10.0.0.7:3000", origin: own, site: "same-origin", cookie: true}, true, true},
		"own page, by an address":       {ask{method: post, host: "[fd00::1]:3000", origin: "http://[fd00::1]:3000", cookie: true}, true, true},
		"own page, by localhost":        {ask{method: post, host: "localhost:3000", origin: "http://localhost:3000", cookie: true}, true, true},
		"own form, origin kept back":    {ask{method: post, host: name, origin: "null", site: "same-origin", cookie: true}, true, true},
		"address bar":                   {ask{method: get, host: name, site: "none", cookie: true}, true, true},
		"link of another site":          {ask{method: get, host: name, site: "cross-site", cookie: true}, true, true},
		"other page acts":               {ask{method: post, host: name, origin: "https://evil.example", site: "cross-site", cookie: true}, false, false},
		"other page acts, old browser":  {ask{method: post, host: name, origin: "https://evil.example", cookie: true}, false, false},
		"other page, no cookie":         {ask{method: post, host: name, origin: "https://evil.example"}, false, false},
		"other page opens a stream":     {ask{method: get, host: name, origin: "https://evil.example", upgrade: true, cookie: true}, false, false},
		"sandboxed page":                {ask{method: post, host: name, origin: "null", site: "cross-site", cookie: true}, false, false},
		"sandboxed page, old browser":   {ask{method: post, host: name, origin: "null", cookie: true}, false, false},
		"application's page":            {ask{method: post, host: name, origin: "https://x.apps.coder.example", site: "same-site", cookie: true}, false, false},
		"other port":                    {ask{method: post, host: name, origin: own + ":8443", cookie: true}, false, false},
		"other scheme, other host":      {ask{method: post, host: "coder.example:3000", origin: "http://coder.example", cookie: true}, false, false},
		"fetch without origin":          {ask{method: post, host: name, site: "cross-site", cookie: true}, false, false},
		"rebound name acts":             {ask{method: post, host: "evil.example", origin: "http://evil.example", site: "same-origin"}, false, false},
		"rebound name, form":            {ask{method: post, host: "evil.example", origin: "null", site: "same-origin"}, false, false},
		"rebound name, stream":          {ask{method: get, host: "evil.example", origin: "http://evil.example", upgrade: true, cookie: true}, false, false},
		"rebound name, cookie":          {ask{method: get, host: "evil.example:3000", site: "same-origin", cookie: true}, true, false},
		"name that ends like localhost": {ask{method: get, host: "notlocalhost", cookie: true}, true, false},
		"name below ours":               {ask{method: get, host: "x.coder.example", cookie: true}, true, false},
		"no name":                       {ask{method: get, host: "", cookie: true}, true, false},
		"our name with a dot":           {ask{method: get, host: "coder.example.", cookie: true}, true, true},
		"token of another page":         {ask{method: post, host: name, origin: "https://evil.example", token: true}, true, true},
	} {
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, c.request())
		assert.Equal(t, c.passes, w.Code == http.StatusOK, what)
		if !c.passes {
			assert.Equal(t, http.StatusForbidden, w.Code, what)
			assert.Contains(t, w.Body.String(), "https://coder.example", "the remedy: "+what)
		}
		_, err := session(c.request())
		assert.Equal(t, c.signsIn, err == nil, "%s: %v", what, err)
	}
}

// TestHostPrefixAlone: with the option the other cookie, which others can set, is none.
func TestHostPrefixAlone(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		session := httpmw.Session(anybody{}, httpmw.NewPages(access(t), strict))
		r := ask{method: http.MethodGet, host: "coder.example", cookie: true}.request()
		_, err := session(r)
		assert.Equal(t, strict, err != nil)
		r.AddCookie(&http.Cookie{Name: "__Host-" + api.SessionTokenCookie, Value: "abc"})
		_, err = session(r)
		assert.NoError(t, err)
	}
}
