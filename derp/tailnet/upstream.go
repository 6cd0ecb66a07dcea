package tailnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// connectTimeout bounds the way to the relay's front: TCP, TLS, a proxy.
	connectTimeout = 20 * time.Second
	// upgradeTimeout bounds the answer to an upgrade; a middlebox that swallows
	// it costs this much once.
	upgradeTimeout = 3 * time.Second
	// websocketTimeout bounds a websocket's handshake.
	websocketTimeout = 20 * time.Second
	// relayKeepAlive is how often a relay's websocket is asked for an answer.
	// Middleboxes cut what is idle for a minute, some after half of it.
	relayKeepAlive = 10 * time.Second
	// relayMisses is how many answers may be missing in a row.
	relayMisses = 2
	// websocketFor is how long a refused upgrade is not tried again.
	websocketFor = time.Hour
)

// upstream is the outer end of the way to one relay region. It remembers which
// transport works.
type upstream struct {
	urls   []*url.URL // of /derp, in order of preference
	client *http.Client
	header http.Header
	// keepAlive is how often a websocket is asked for an answer.
	keepAlive time.Duration

	mu      sync.Mutex
	forceWS bool
	wsUntil time.Time // websockets only until then
}

func (u *upstream) setForceWS(v bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forceWS = v
}

func (u *upstream) websocketOnly() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.forceWS || time.Now().Before(u.wsUntil)
}

// dial connects to the first relay that answers. The connection ends with ctx.
func (u *upstream) dial(ctx context.Context) (io.ReadWriteCloser, error) {
	var errs []error
	for _, to := range u.urls {
		rw, err := u.dialOne(ctx, to)
		if err == nil {
			return rw, nil
		}
		errs = append(errs, fmt.Errorf("relay %s: %w", to.Redacted(), err))
	}
	return nil, errors.Join(errs...)
}

func (u *upstream) dialOne(ctx context.Context, to *url.URL) (io.ReadWriteCloser, error) {
	var refused error
	if !u.websocketOnly() {
		rw, err := u.upgrade(ctx, to)
		if err == nil {
			return rw, nil
		}
		if !errors.Is(err, errUpgradeRefused) {
			return nil, err
		}
		refused = err
	}
	rw, err := u.websocket(ctx, to)
	if err != nil {
		return nil, errors.Join(refused, err)
	}
	if refused != nil {
		u.mu.Lock()
		u.wsUntil = time.Now().Add(websocketFor)
		u.mu.Unlock()
	}
	return rw, nil
}

// errUpgradeRefused marks answers after which a websocket may still pass.
var errUpgradeRefused = errors.New("the relay's own protocol does not pass")

// upgrade speaks the relay's protocol right behind an HTTP upgrade. Whatever
// fails once the request was sent counts as a refusal: middleboxes answer with
// errors, with silence, with a reset, or promise the upgrade and then swallow
// what follows.
func (u *upstream) upgrade(ctx context.Context, to *url.URL) (io.ReadWriteCloser, error) {
	ctx, cancel := context.WithCancel(ctx) // also ends the upgraded connection
	limit := startLimit(cancel)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { limit.requestSent() }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("relay request: %w", err)
	}
	addHeader(req.Header, u.header)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "DERP")
	resp, err := u.client.Do(req)
	if err == nil {
		var rw io.ReadWriteCloser
		if rw, err = relayStream(ctx, resp, cancel); err == nil && limit.stop() {
			return rw, nil
		}
	}
	late, sent := !limit.stop(), limit.sent
	cancel()
	switch {
	case !sent && late:
		return nil, fmt.Errorf("no connection within %s", connectTimeout)
	case !sent && err != nil:
		return nil, err
	case late || err == nil:
		return nil, fmt.Errorf("%w: no answer within %s", errUpgradeRefused, upgradeTimeout)
	}
	return nil, fmt.Errorf("%w: %w", errUpgradeRefused, err)
}

// limit cancels an upgrade that takes too long: first to connect, then, once the
// request was sent, to be answered.
type limit struct {
	mu    sync.Mutex
	timer *time.Timer
	sent  bool // not changed after stop
	over  bool // stopped or late
	late  bool
}

func startLimit(cancel func()) *limit {
	l := &limit{}
	l.timer = time.AfterFunc(connectTimeout, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.over {
			l.over, l.late = true, true
			cancel()
		}
	})
	return l
}

// requestSent may come after the answer.
func (l *limit) requestSent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.sent = true
		l.timer.Reset(upgradeTimeout)
	}
}

// stop reports whether it was in time.
func (l *limit) stop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.timer.Stop()
	return !l.late
}

// relayStream is the relay's stream behind an upgrade. The relay speaks first,
// so a byte of it shows that the stream is real.
func relayStream(ctx context.Context, resp *http.Response, cancel func()) (io.ReadWriteCloser, error) {
	rw, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	stop := context.AfterFunc(ctx, func() { _ = rw.Close() })
	defer stop()
	first := make([]byte, 1)
	if _, err := io.ReadFull(rw, first); err != nil {
		_ = rw.Close()
		return nil, fmt.Errorf("upgraded, but then: %w", err)
	}
	return &upgraded{ReadWriteCloser: rw, first: first, cancel: cancel}, nil
}

type upgraded struct {
	io.ReadWriteCloser
	first  []byte // read ahead
	cancel func()
}

func (u *upgraded) Read(p []byte) (int, error) {
	if len(u.first) > 0 && len(p) > 0 {
		n := copy(p, u.first)
		u.first = u.first[n:]
		return n, nil
	}
	return u.ReadWriteCloser.Read(p)
}

func (u *upgraded) Close() error {
	err := u.ReadWriteCloser.Close()
	u.cancel()
	return err
}

// websocket speaks the relay's protocol in binary websocket messages.
func (u *upstream) websocket(ctx context.Context, to *url.URL) (io.ReadWriteCloser, error) {
	hctx, cancel := context.WithTimeout(ctx, websocketTimeout)
	defer cancel()
	h := http.Header{}
	addHeader(h, u.header)
	ws, _, err := websocket.Dial(hctx, to.String(), &websocket.DialOptions{
		HTTPClient: u.client, HTTPHeader: h, Subprotocols: []string{"derp"},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	if ws.Subprotocol() != "derp" {
		_ = ws.CloseNow()
		return nil, errors.New("websocket: this server is no relay")
	}
	return newSocketStream(ctx, ws, u.keepAlive), nil
}
