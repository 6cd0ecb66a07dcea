package tailnet

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// socketStream is a websocket as a byte stream that asks for an answer now and then.
// Somebody must be reading meanwhile. Close does not wait for the relay to say
// goodbye too.
type socketStream struct {
	net.Conn
	ws     *websocket.Conn
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newSocketStream(ctx context.Context, ws *websocket.Conn, every time.Duration) *socketStream {
	pctx, cancel := context.WithCancel(ctx)
	b := &socketStream{Conn: websocket.NetConn(ctx, ws, websocket.MessageBinary), ws: ws, cancel: cancel}
	b.wg.Go(func() { b.keepAlive(pctx, every) })
	return b
}

func (b *socketStream) keepAlive(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		actx, cancel := context.WithTimeout(ctx, relayMisses*every)
		err := b.ws.Ping(actx)
		cancel()
		if err != nil {
			_ = b.ws.CloseNow() // the reader sees it
			return
		}
	}
}

func (b *socketStream) Close() error {
	b.cancel()
	err := b.ws.CloseNow()
	b.wg.Wait()
	return err
}

var _ io.ReadWriteCloser = (*socketStream)(nil)

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
