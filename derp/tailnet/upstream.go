package tailnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// upgradeTimeout bounds one attempt; a middlebox that swallows the answer
	// costs this much once.
	upgradeTimeout = 5 * time.Second
	// websocketFor is how long a refused upgrade is not tried again.
	websocketFor = time.Hour
)

// upstream is the outer end of the way to one relay region. It remembers which
// transport works.
type upstream struct {
	urls   []*url.URL // of /derp, in order of preference
	client *http.Client
	header http.Header

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

// upgrade speaks the relay's protocol right behind an HTTP upgrade.
func (u *upstream) upgrade(ctx context.Context, to *url.URL) (io.ReadWriteCloser, error) {
	ctx, cancel := context.WithCancel(ctx) // also ends the upgraded connection
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("relay request: %w", err)
	}
	addHeader(req.Header, u.header)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "DERP")
	timeout := time.AfterFunc(upgradeTimeout, cancel)
	resp, err := u.client.Do(req)
	inTime := timeout.Stop()
	if err != nil {
		cancel()
		if !inTime {
			return nil, fmt.Errorf("%w: no answer within %s", errUpgradeRefused, upgradeTimeout)
		}
		return nil, err
	}
	rw, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok || !inTime {
		_ = resp.Body.Close()
		cancel()
		return nil, fmt.Errorf("%w: status %d", errUpgradeRefused, resp.StatusCode)
	}
	return &upgraded{ReadWriteCloser: rw, cancel: cancel}, nil
}

type upgraded struct {
	io.ReadWriteCloser
	cancel context.CancelFunc
}

func (u *upgraded) Close() error {
	err := u.ReadWriteCloser.Close()
	u.cancel()
	return err
}

// websocket speaks the relay's protocol in binary websocket messages.
func (u *upstream) websocket(ctx context.Context, to *url.URL) (io.ReadWriteCloser, error) {
	hctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
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
	return &binary{Conn: websocket.NetConn(ctx, ws, websocket.MessageBinary), ws: ws}, nil
}
