package wsconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// AcceptOptions are the server's choices.
type AcceptOptions struct {
	// OriginPatterns are the further hosts a browser's Origin may name. The
	// host of the request itself is always allowed.
	OriginPatterns []string
	ReadLimit      int64 // bytes of one message; 0 means DefaultReadLimit
}

// Accept upgrades a request. On error it has already answered w.
func Accept(w http.ResponseWriter, r *http.Request, o AcceptOptions) (*Conn, error) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		OriginPatterns:  o.OriginPatterns,
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, fmt.Errorf("accept websocket: %w", err)
	}
	return wrap(ws, o.ReadLimit), nil
}

// DialOptions are the client's choices.
type DialOptions struct {
	HTTPClient *http.Client // nil means http.DefaultClient; a Timeout of its own is ignored
	Header     http.Header
	ReadLimit  int64 // bytes of one message; 0 means DefaultReadLimit
}

// maxErrorBody bounds what is kept of a refusal's body.
const maxErrorBody = 1024

// StatusError is returned by Dial when the server answered something else than
// an upgrade.
type StatusError struct {
	StatusCode int
	Body       []byte // at most the first KiB
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("websocket refused with HTTP status %d", e.StatusCode)
}

// handshakeTimeout bounds what a handshake may take.
const handshakeTimeout = 30 * time.Second

// Dial opens a websocket to an http, https, ws or wss URL. ctx bounds the
// handshake only, which takes 30 s at most. A refusal is a *StatusError.
func Dial(ctx context.Context, url string, o DialOptions) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	hc := o.HTTPClient
	if hc != nil && hc.Timeout != 0 {
		// The client's timeout would end the websocket, not the handshake.
		clone := *hc
		clone.Timeout = 0
		hc = &clone
	}
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: hc, HTTPHeader: o.Header, CompressionMode: websocket.CompressionDisabled,
	})
	if err == nil {
		return wrap(ws, o.ReadLimit), nil
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return nil, fmt.Errorf("dial websocket: %w", &StatusError{StatusCode: resp.StatusCode, Body: body})
	}
	return nil, fmt.Errorf("dial websocket: %w", err)
}

func wrap(ws *websocket.Conn, limit int64) *Conn {
	if limit <= 0 {
		limit = DefaultReadLimit
	}
	ws.SetReadLimit(limit)
	return &Conn{t: &socket{ws: ws}}
}

// socket is the transport over a real websocket.
type socket struct{ ws *websocket.Conn }

func (s *socket) read(ctx context.Context, raw bool) ([]byte, error) {
	typ, p, err := s.ws.Read(ctx)
	if err != nil {
		return nil, closeError(err)
	}
	if typ != websocket.MessageText && !raw {
		_ = s.ws.Close(websocket.StatusUnsupportedData, "text messages only")
		return nil, errors.New("websocket message is not text")
	}
	return p, nil
}

func (s *socket) write(ctx context.Context, p []byte, raw bool) error {
	typ := websocket.MessageText
	if raw {
		typ = websocket.MessageBinary
	}
	return closeError(s.ws.Write(ctx, typ, p))
}

func (s *socket) ping(ctx context.Context) error { return s.ws.Ping(ctx) }
func (s *socket) abort() error                   { return s.ws.CloseNow() }

func (s *socket) close(code Code, reason string) error {
	return s.ws.Close(websocket.StatusCode(code), reason)
}

func closeError(err error) error {
	var ce websocket.CloseError
	if errors.As(err, &ce) {
		return &CloseError{Code: Code(ce.Code), Reason: ce.Reason}
	}
	return err
}
