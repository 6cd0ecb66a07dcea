package devurl

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzzSites has every kind of origin.
func fuzzSites(t testing.TB) Sites {
	t.Helper()
	w, err := ParseWildcard("*--apps.example.com:444")
	require.NoError(t, err)
	s := Sites{Access: &url.URL{Scheme: "https", Host: "coder.example.com"}, Wildcard: w, PathURL: &url.URL{Scheme: "https", Host: "paths.example.com:8443"}}
	require.NoError(t, s.Validate())
	return s
}

// FuzzTarget: what is written is read as what it was.
func FuzzTarget(f *testing.F) {
	f.Add("", "code", uint16(0), false, "main", "ws", "alice", false)
	f.Add("a---b", "", uint16(8080), true, "", "w-1", "al-ice", false)
	f.Add("", "", uint16(9), false, "", "ws", "alice", true)
	f.Fuzz(func(t *testing.T, prefix, slug string, port uint16, tls bool, agent, workspace, user string, old bool) {
		want := Target{Prefix: prefix, Slug: slug, Agent: agent, Workspace: workspace, User: user}
		if slug == "" {
			want.Port, want.TLS = port, tls
		}
		switch {
		case old && slug == "":
			want = Target{Port: port, Joined: workspace + "-" + user}
		case old:
			want = Target{Slug: slug, User: user}
		}
		valid := (want.Prefix == "" || isPrefix(prefix)) && (agent == "" || isName(agent)) && isName(workspace) && isName(user)
		if slug != "" {
			var app Target
			valid = valid && app.app(slug) && app.Slug == slug
		} else {
			valid = valid && port >= MinPort
		}
		if !valid || len(want.Label()) > maxLabel {
			return
		}
		got, err := ParseLabel(want.Label())
		require.NoError(t, err, want.Label())
		require.Equal(t, want, got)
		if old {
			return // has no path form
		}
		want.Prefix = "" // neither has the path form a prefix
		got, rest, app, err := ParsePath(want.Path() + "/x")
		require.NoError(t, err)
		require.True(t, app)
		require.Equal(t, "/x", rest)
		require.Equal(t, want, got)
	})
}

// FuzzHost: what is served has one spelling, in which it is authorised too, and every
// other spelling of it is for applications and served by none.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"8080--main--ws--alice--apps.example.com", "x---8080s--ws--a--apps.example.com:3", "08080--w--a--apps.example.com", "code--alice--apps.example.com",
		"PATHS.example.com.:8443", "8080--w-a--apps.example.com:444", "coder.example.com", "[::1]:3", "a%2e--apps.example.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		s := fuzzSites(t)
		target, err := s.Wildcard.Parse(host)
		visit, verr := s.visit(host, "/")
		if err != nil {
			require.Error(t, verr, "only the parser serves")
			return
		}
		require.NoError(t, verr)
		require.Equal(t, target, visit.Target)
		require.True(t, s.Wildcard.Covers(host))
		require.True(t, plainHost(host))
		plain, _, _ := strings.Cut(host, ":")
		require.Equal(t, "https://"+plain+":444", visit.Origin)
		require.NotEqual(t, target.Slug == "", target.Port == 0)
		require.True(t, target.Slug != "" || target.Port >= MinPort)
		// Where somebody is authorised is where the request goes.
		_, back, err := s.ParseURL(visit.Origin + "/")
		require.NoError(t, err)
		require.Equal(t, visit, back)
		for _, other := range []string{plain + ".", strings.ToUpper(plain), "x." + plain, plain + ":", strings.ToUpper(plain[:1]) + plain[1:]} {
			require.True(t, s.Wildcard.Covers(other), other)
			if other != plain {
				_, err := s.Wildcard.Parse(other)
				require.Error(t, err, other)
			}
		}
	})
}

// FuzzPath: what is served on the origin of paths has one spelling, and names what it
// stands for.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/@alice/ws.main/apps/code/x", "/%40alice/ws/apps/code", "/@a/b/apps/%2e%2e/x", "/@a/b/apps/8080/", "/@a/b.c/apps/08080/", "/@A/b/apps/c//d", "//@a/b/apps/c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s := fuzzSites(t)
		target, rest, app, err := ParsePath(path)
		visit, verr := s.visit(s.PathURL.Host, path)
		if !app || err != nil {
			require.Zero(t, target)
			require.Error(t, verr, "only the parser serves")
			return
		}
		require.False(t, target.Old())
		require.True(t, rest == "" || rest[0] == '/')
		canonical := target.Path() + rest
		require.True(t, strings.EqualFold(strings.Replace(path, "/%40", "/@", 1), canonical), "only capitals and %%40 are led on: %s", canonical)
		again, rest2, _, err := ParsePath(canonical)
		require.NoError(t, err)
		require.Equal(t, target, again)
		require.Equal(t, rest, rest2)
		require.Equal(t, path == canonical, verr == nil, "one spelling is served")
		if verr != nil || !cleanPath(path) {
			return
		}
		require.Equal(t, target, visit.Target)
		require.True(t, strings.HasPrefix(path+"/", visit.Below))
		// The path of a request has been read and escaped by net/url.
		if u, err := url.ParseRequestURI(path); err != nil || u.EscapedPath() != path {
			return
		}
		u, back, err := s.ParseURL(visit.Origin + path)
		require.NoError(t, err)
		require.Equal(t, visit, back)
		require.Equal(t, path, u.EscapedPath())
	})
}

// FuzzURL: who is led back is led to an application of this deployment, and the one
// who was authorised for.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"https://code--ws--alice--apps.example.com:444/x?y", "https://paths.example.com:8443/@a/b/apps/c/", "//evil.example", "javascript:alert(1)",
		"https://code--alice--apps.example.com:444//evil.example", "https://u@code--ws--alice--apps.example.com:444/", "https:\\\\evil.example", "https://code--ws--alice--apps.example.com:444/%0d%0aX"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := fuzzSites(t)
		u, v, err := s.ParseURL(text)
		if err != nil {
			return
		}
		out := u.String()
		require.True(t, out == v.Origin || strings.HasPrefix(out, v.Origin+"/") || strings.HasPrefix(out, v.Origin+"?"), out)
		before, _, _ := strings.Cut(out, "?")
		require.NotContains(t, before, "\\")
		for i := range len(out) {
			require.True(t, out[i] > ' ' && out[i] < 0x7f, "%q", out)
		}
		again, back, err := s.ParseURL(out)
		require.NoError(t, err)
		require.Equal(t, v, back)
		require.Equal(t, out, again.String())
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		served, err := s.visit(u.Host, path)
		require.NoError(t, err)
		require.Equal(t, v, served, "what authorises is what routes")
	})
}

// FuzzCookie: nothing of ours is left, and what is another's is. What a workspace sets
// is of its host, or its path, alone.
func FuzzCookie(f *testing.F) {
	f.Add("a=1; coder_session_token=x; b=2", "a=1; Path=/")
	f.Add(" __Host-coder_app_state=\x00;;=;", "=coder_session_token=1")
	f.Add(sessionCookie+`="x"; `+sessionCookie+"=y", "a=1; domain =x;PATH=/@u/w/apps/other/; path")
	f.Fuzz(func(t *testing.T, sent, set string) {
		kept := withoutOurs([]string{sent})
		require.Equal(t, kept, withoutOurs(kept))
		for _, line := range kept {
			for _, pair := range strings.Split(line, ";") {
				name, _, _ := strings.Cut(pair, "=")
				require.False(t, isOurs(name), pair)
			}
		}
		for _, c := range (&http.Request{Header: http.Header{"Cookie": kept}}).Cookies() {
			require.False(t, isOurs(c.Name), c.Name)
			require.Empty(t, shown(&http.Request{Header: http.Header{"Cookie": kept}}, sessionCookie))
		}
		with := withoutOurs([]string{"mine=1;" + sent})
		require.NotEmpty(t, with)
		require.True(t, strings.HasPrefix(with[0], "mine=1"))
		for _, below := range []string{"/", "/@u/w/apps/x/"} {
			for _, line := range setCookies([]string{set}, below) {
				harmless(t, line, below)
			}
		}
	})
}

// harmless checks a Set-Cookie header as browsers read it: the last attribute of a
// name counts.
func harmless(t *testing.T, line, below string) {
	t.Helper()
	attributes := strings.Split(line, ";")
	name, _, named := strings.Cut(attributes[0], "=")
	require.True(t, named && strings.TrimSpace(name) != "", line)
	require.False(t, isOurs(name), line)
	path := ""
	for _, a := range attributes[1:] {
		key, value, _ := strings.Cut(a, "=")
		key = strings.ToLower(strings.Trim(key, " \t"))
		require.NotEqual(t, "domain", key, line)
		if key == "path" {
			path = strings.Trim(value, " \t")
		}
	}
	if below != "/" {
		require.True(t, strings.HasPrefix(path, below), line)
	}
}
