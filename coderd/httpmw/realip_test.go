package httpmw_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/httpmw"
)

// TestRealIP: only configured peers say who it is, and nobody can put words into
// their mouth.
func TestRealIP(t *testing.T) {
	t.Parallel()
	trusted, err := httpmw.NewTrustedProxies([]string{"x-forwarded-for", "X-Real-IP"}, []string{"10.0.0.0/8", "192.0.2.1", "::1"})
	require.NoError(t, err)
	for _, c := range []struct{ peer, header, value, want string }{
		{"10.1.2.3:5", "X-Forwarded-For", "198.51.100.7", "198.51.100.7"},
		{"10.1.2.3:5", "X-Forwarded-For", "203.0.113.9, 198.51.100.7, 10.9.9.9", "198.51.100.7"},
		{"[::1]:5", "X-Real-Ip", "2001:db8::5", "2001:db8::5"},
		{"[::ffff:10.0.0.1]:5", "X-Real-Ip", "::ffff:198.51.100.7", "198.51.100.7"},
		{"192.0.2.1:5", "X-Forwarded-For", "nonsense", "192.0.2.1"},
		{"192.0.2.1:5", "X-Forwarded-For", "198.51.100.7, nonsense", "192.0.2.1"},
		{"192.0.2.1:5", "X-Client-Ip", "198.51.100.7", "192.0.2.1"},
		{"192.0.2.2:5", "X-Forwarded-For", "198.51.100.7", "192.0.2.2"},
	} {
		var got string
		h := trusted.RealIP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = httpmw.ClientIP(r) }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header.Set(c.header, c.value)
		h.ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, c.want, got, c)
	}
	for _, bad := range [][2][]string{{{"a b"}, {"10.0.0.0/8"}}, {{"X-Real-IP"}, nil}, {nil, {"10.0.0.0/40"}}, {nil, {"example.com"}}} {
		_, err := httpmw.NewTrustedProxies(bad[0], bad[1])
		assert.ErrorContains(t, err, "option --proxy-trusted-", bad)
	}
}
