package tailnet

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// binary is a websocket as a byte stream. Close does not wait for the relay to
// say goodbye too.
type binary struct {
	net.Conn
	ws *websocket.Conn
}

func (b *binary) Close() error { return b.ws.CloseNow() }

var _ io.ReadWriteCloser = (*binary)(nil)

// upgradeClient returns hc fit for upgrades: HTTP/1.1, no timeout over the whole
// connection, and no redirects, which would carry Header to another host.
func upgradeClient(hc *http.Client) *http.Client {
	clone := *hc
	clone.Timeout = 0
	clone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	rt := clone.Transport
	if rt == nil {
		rt = http.DefaultTransport
	}
	if t, ok := rt.(*http.Transport); ok {
		t = t.Clone()
		t.ForceAttemptHTTP2 = false
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		if t.TLSClientConfig != nil {
			t.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		clone.Transport = t
	}
	return &clone
}

func addHeader(to, from http.Header) {
	for k, vs := range from {
		to[k] = append([]string(nil), vs...)
	}
}
