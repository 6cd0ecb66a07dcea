package devurl

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// change lets browser and application speak the protocol that they agreed on. The
// handler returns at once, and with it all that the HTTP server holds for a request:
// an idle websocket costs two goroutines and a small buffer.
func (p *Proxy) change(w http.ResponseWriter, asked *http.Request, h *hop, s *switched) {
	if !s.stop() {
		reset(s.line.conn)
		panic(http.ErrAbortHandler) // the browser left, or the right ended
	}
	app := s.line.conn
	if want, got := asked.Header.Get("Upgrade"), s.res.Header.Get("Upgrade"); !strings.EqualFold(want, got) {
		reset(app)
		p.failed(w, asked, errOtherProtocol)
		return
	}
	_ = p.response(s.res) // it has no error
	browser, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		reset(app)
		p.failed(w, asked, err)
		return
	}
	for name, values := range w.Header() {
		s.res.Header[name] = append(s.res.Header[name], values...)
	}
	s.res.Body = nil
	err = s.res.Write(brw)
	if err == nil {
		err = brw.Flush()
	}
	if err != nil {
		reset(app)
		_ = browser.Close()
		return
	}
	c := &changed{browser: browser, app: app, said: rest(s.line.br), asked: rest(brw.Reader)}
	h.stays = true
	go c.run(h.decision.ended, h.leave) // Run waits for it: it has the slot
}

var errOtherProtocol = errors.New("it switched to another protocol than the one asked for")

// rest is what is already read of a connection.
func rest(br *bufio.Reader) []byte {
	p, _ := br.Peek(br.Buffered()) // they are there
	return append([]byte(nil), p...)
}

// changed is a pair of connections that no longer speak HTTP.
type changed struct {
	browser, app net.Conn
	asked, said  []byte // first bytes for app and browser
}

// run copies both ways until both have ended or ctx has. A half that ends is passed
// on as one; what breaks on one side is broken on the other.
func (c *changed) run(ctx context.Context, done func()) {
	defer done()
	broke := sync.OnceFunc(func() {
		reset(c.app)
		_ = c.browser.Close()
	})
	stop := context.AfterFunc(ctx, broke)
	defer stop()
	up := make(chan struct{})
	go func() {
		defer close(up)
		if half(c.app, c.browser, c.asked) != nil {
			broke()
		}
	}()
	if half(c.browser, c.app, c.said) != nil {
		broke()
	}
	if g, ok := c.app.(interface{ Gone() <-chan struct{} }); ok {
		select {
		case <-up:
		case <-g.Gone(): // nobody takes what the browser may still send
			_ = c.browser.Close()
		}
	}
	<-up
	_ = c.app.Close()
	_ = c.browser.Close()
}

// half copies first, and what comes from src, to dst.
func half(dst, src net.Conn, first []byte) error {
	if len(first) > 0 {
		if _, err := dst.Write(first); err != nil {
			return err
		}
	}
	// A stream of an agent holds little while nothing comes: it reads or writes itself.
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	if cw, ok := dst.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return dst.Close()
}
