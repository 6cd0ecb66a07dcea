package devurl

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// headPatience is how long the head of an answer waits for the first bytes of its
// body, to be sent with them.
const headPatience = 2 * time.Millisecond

// answer passes on what an application has said at once, but in one piece where it
// is one: head, body and end of a small answer are one packet.
type answer struct {
	http.ResponseWriter
	rc *http.ResponseController

	left  int64 // bytes of the body that are still to come; negative: nobody knows
	ended bool  // the body ends with the next Write
	here  bool  // the first bytes of the body are here

	mu    sync.Mutex // guards writes, since the head may be sent by late
	late  *time.Timer
	stale bool // late has nothing to do any more
}

func newAnswer(w http.ResponseWriter) *answer {
	return &answer{ResponseWriter: w, rc: http.NewResponseController(w)}
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.Header()
	if code < 200 && code != http.StatusSwitchingProtocols {
		// Nothing has had a look at these headers: they are links, or stay behind.
		for name := range h {
			if name != "Link" {
				delete(h, name)
			}
		}
	} else if _, typed := h["Content-Type"]; !typed {
		h["Content-Type"] = nil // or the server would guess
	}
	a.ResponseWriter.WriteHeader(code)
	if code >= 200 && a.left != 0 && !a.here && a.late == nil {
		a.late = time.AfterFunc(headPatience, a.sendHead)
	}
}

func (a *answer) sendHead() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stale {
		_ = a.rc.Flush() // the next Write says it
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle()
	n, err := a.ResponseWriter.Write(p)
	if a.left > 0 {
		a.left -= int64(n)
	}
	if err == nil && a.left != 0 && !a.ended {
		err = a.rc.Flush()
	}
	return n, err
}

// FlushError is for http.ResponseController.
func (a *answer) FlushError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle()
	return a.rc.Flush()
}

// settle stops late. mu is held.
func (a *answer) settle() {
	if a.late != nil && !a.stale {
		a.late.Stop()
	}
	a.stale = true
}

// done must be called before the handler returns: nothing writes after it.
func (a *answer) done() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle()
}

// expect notes what is known of an answer's body.
func (a *answer) expect(res *http.Response) {
	a.left = res.ContentLength
	if body, ok := res.Body.(*lineBody); ok {
		a.here = res.ContentLength > 0 && !body.ended && body.line.br.Buffered() > 0
	}
	if res.ContentLength < 0 && res.Body != nil {
		res.Body = &endingBody{ReadCloser: res.Body, a: a}
		// ReverseProxy would send head and body apart. It asks nothing else of this.
		res.ContentLength = 0
	}
}

// endingBody notes when what is read is the last of it.
type endingBody struct {
	io.ReadCloser
	a *answer
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.a.ended = errors.Is(err, io.EOF)
	return n, err
}
