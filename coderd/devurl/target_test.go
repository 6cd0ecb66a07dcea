package devurl

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseLabel(t *testing.T) {
	t.Parallel()
	good := map[string]Target{
		"8080--main--ws--alice":     {Port: 8080, Agent: "main", Workspace: "ws", User: "alice"},
		"8080s--ws--alice":          {Port: 8080, TLS: true, Workspace: "ws", User: "alice"},
		"code-server--ws--alice-b":  {Slug: "code-server", Workspace: "ws", User: "alice-b"},
		"x---code--main--ws--alice": {Prefix: "x", Slug: "code", Agent: "main", Workspace: "ws", User: "alice"},
		"a---b---9--main--w-1--2":   {Prefix: "a---b", Port: 9, Agent: "main", Workspace: "w-1", User: "2"},
		"vscodes--ws--alice":        {Slug: "vscodes", Workspace: "ws", User: "alice"},
		"65535s--ws--alice":         {Port: 65535, TLS: true, Workspace: "ws", User: "alice"},
		"pre-fix--1---8080--w--u":   {Prefix: "pre-fix--1", Port: 8080, Workspace: "w", User: "u"},
		"8080a--main--ws--alice":    {Slug: "8080a", Agent: "main", Workspace: "ws", User: "alice"},
		"s--main--ws--alice":        {Slug: "s", Agent: "main", Workspace: "ws", User: "alice"},
		"8080ss--main--ws--alice":   {Slug: "8080ss", Agent: "main", Workspace: "ws", User: "alice"},
		"code--alice":               {Slug: "code", User: "alice"},
		"code-1--al-ice":            {Slug: "code-1", User: "al-ice"},
		"8080--ws-alice":            {Port: 8080, Joined: "ws-alice"},
		"8080--a-b-c":               {Port: 8080, Joined: "a-b-c"},
	}
	for label, want := range good {
		got, err := ParseLabel(label)
		require.NoError(t, err, label)
		assert.Equal(t, want, got, label)
		assert.Equal(t, label, got.Label())
	}
	for _, label := range []string{"", "8080", "8080--ws", "8080s--ws-alice", "08080--ws-alice", "8--ws-alice", "8080---ws-alice", "x---code--alice", "--alice", "code--", "Code--alice", "08080--ws--alice", "+80--ws--alice", "-80--ws--alice", "8--ws--alice",
		"0--ws--alice", "65536--ws--alice", "99999999999999999999--ws--alice", "80 --ws--alice", "8080S--ws--alice", "Code--ws--alice",
		"code--WS--alice", "code--ws--Alice", "code--a--b--c--d", "code----ws--alice", "--ws--alice", "code--ws--", "code--ws--alice-",
		"code_x--ws--alice", "code%2d--ws--alice", "code--ws--alice@b", "---code--ws--alice", "x----code--ws--alice",
		"-x---code--ws--alice", "cöde--ws--alice", "code--ws--ali.ce", strings.Repeat("a", 60) + "--w--u"} {
		_, err := ParseLabel(label)
		assert.Error(t, err, label)
	}
}

func TestWildcard(t *testing.T) {
	t.Parallel()
	access := &url.URL{Scheme: "https", Host: "dev.example.com:8443"}
	w, err := ParseWildcard("*.example.com")
	require.NoError(t, err)
	assert.Equal(t, "*.example.com:8443", w.Pattern(access))
	w, err = ParseWildcard("*--apps.example.com:444")
	require.NoError(t, err)
	assert.Equal(t, "*--apps.example.com:444", w.Pattern(access))
	got, err := w.Parse("8080--main--ws--alice--apps.example.com:444")
	require.NoError(t, err)
	assert.Equal(t, Target{Port: 8080, Agent: "main", Workspace: "ws", User: "alice"}, got)
	assert.Equal(t, "https://8080--main--ws--alice--apps.example.com:444", w.Origin(got, access))

	for _, bad := range []string{"", "example.com", "x*.example.com", "*", "*example.com", "*.", "*..a", "*.a.", "*.Example.com", "**.a.b",
		"*.a:0", "*.a:x", "*.a:080", "*.127.0.0.1", "*.a_b.c", "https://*.a.b", "*-.a.b", "*.a/b", "*.*.b"} {
		_, err := ParseWildcard(bad)
		assert.Error(t, err, bad)
	}
}

// TestHostSpellings: what names the host of an application in any spelling is for
// applications, and only one spelling is served.
func TestHostSpellings(t *testing.T) {
	t.Parallel()
	w, err := ParseWildcard("*.apps.test")
	require.NoError(t, err)
	for host, serve := range map[string]bool{
		"8080--ws--alice.apps.test":      true,
		"8080--ws--alice.apps.test:80":   true,
		"8080--ws--alice.apps.test.":     false,
		"8080--ws--alice.apps.test..":    false,
		"8080--ws--alice.apps.test.:80":  false,
		"8080--WS--alice.apps.test":      false,
		"8080--ws--alice.APPS.test":      false,
		"08080--ws--alice.apps.test":     false,
		"+80--ws--alice.apps.test":       false,
		"x.8080--ws--alice.apps.test":    false,
		"8080--ws--alice.apps.test:":     false,
		"8080--ws--alice.apps.test:080":  false,
		"u@8080--ws--alice.apps.test":    false,
		"8080%2e--ws--alice.apps.test":   false,
		"8080--ws--alice.apps.test:1:80": false,
	} {
		_, err := w.Parse(host)
		assert.Equal(t, serve, err == nil, host)
		assert.True(t, w.Covers(host), host)
	}
	for _, host := range []string{"apps.test", ".apps.test", "evil-apps.test", "apps.test.evil.com", ""} {
		_, err := w.Parse(host)
		assert.Error(t, err, host)
	}
	assert.False(t, w.Covers("apps.test"))
	assert.False(t, Wildcard{}.Covers("a.b"))
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	got, rest, app, err := ParsePath("/@Alice/ws.main/apps/code/a/b%2Fc")
	require.NoError(t, err)
	assert.True(t, app)
	assert.Equal(t, "/a/b%2Fc", rest)
	assert.Equal(t, Target{Slug: "code", Agent: "main", Workspace: "ws", User: "alice"}, got)
	assert.Equal(t, "/@alice/ws.main/apps/code", got.Path())
	for path, want := range map[string]Target{"/@alice/ws/apps/8080/": {Port: 8080, Workspace: "ws", User: "alice"},
		"/@alice/ws/apps/8443s": {Port: 8443, TLS: true, Workspace: "ws", User: "alice"}} {
		got, _, app, err := ParsePath(path)
		require.NoError(t, err)
		assert.True(t, app)
		assert.Equal(t, want, got)
	}
	_, rest, app, err = ParsePath("/%40alice/ws/apps/code")
	require.NoError(t, err)
	assert.True(t, app)
	assert.Empty(t, rest)
	for _, p := range []string{"/", "/@alice", "/@alice/ws", "/@alice/ws/terminal", "/@alice/ws.main/terminal/x", "/api/v2/@a/b/apps/c"} {
		_, _, app, _ := ParsePath(p)
		assert.False(t, app, p)
	}
	for _, p := range []string{"/@alice/ws/apps", "/@alice/ws/apps/", "/@alice/ws/apps/Code/", "/@al%69ce/ws/apps/code/", "/@alice/ws./apps/code/",
		"/@alice/ws.a.b/apps/code/", "/@/ws/apps/code/", "/@alice//apps/code/", "/@alice/ws/apps/a--b/", "/@alice/ws/apps/..;/",
		"/@alice/ws/apps/08080/", "/@alice/ws/apps/8/", "/@alice/ws/apps/65536/", "/@alice/ws/apps/8080S/", "/@aliKe/ws/apps/code/"} {
		_, _, app, err := ParsePath(p)
		assert.True(t, app, p)
		assert.Error(t, err, p)
	}
}

func TestCleanPath(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"/", "/a/b", "/a//b", "/...", "/.well-known/x", "/a.b/", "/%2F", "/%20"} {
		assert.True(t, cleanPath(p), p)
	}
	for _, p := range []string{"", "*", "a", "/.", "/..", "/a/../b", "/a/%2e%2E/b", "/%2e", "/a/.%2e", `/a\b`, "/a b", "/a\x00", "http://x/"} {
		assert.False(t, cleanPath(p), p)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	in := []string{"a=1; coder_session_token=x; b=2", "__Host-Coder_Session_Token=y", "coder_subdomain_app_session_token_ab=1;c=\"3\";__Secure-coder_app_state=1", "; ;"}
	assert.Equal(t, []string{"a=1; b=2", `c="3"`}, withoutOurs(in))
	for _, ours := range []string{"CODER_SESSION_TOKEN", "__Secure-__Host-coder_app_state", `"coder_session_token"`, "\tcoder_signed_app_token", "coder_path_app_session_tokens"} {
		assert.Empty(t, withoutOurs([]string{ours + "=1"}), ours)
		assert.Empty(t, setCookies([]string{ours + "=1"}, "/"), ours)
	}
	set := []string{"a=1; Domain=example.com; Path=/; HttpOnly", "coder_session_token=evil; Path=/api", "__host-coder_app_state=1; Secure; Path=/",
		"=coder_session_token=evil", "coder_session_token", "b=2; DOMAIN=.x;Path=/deep;SameSite=Lax", "c=3"}
	assert.Equal(t, []string{"a=1; HttpOnly; Path=/", "b=2;SameSite=Lax; Path=/deep", "c=3"}, setCookies(set, "/"))
	assert.Equal(t, []string{"a=1; HttpOnly; Path=/@u/w/apps/x/", "b=2;SameSite=Lax; Path=/@u/w/apps/x/deep", "c=3; Path=/@u/w/apps/x/"}, setCookies(set, "/@u/w/apps/x/"))
}
