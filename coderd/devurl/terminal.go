package devurl

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/api/termrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/wsconn"
)

// Terminal serves GET /workspaceagents/{workspaceagent}/pty, see api/termrpc.
func (s *Service) Terminal(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agentID, err := api.ParseID(chi.URLParam(r, "workspaceagent"))
		if err != nil {
			a.WriteError(w, r, api.Invalid("workspaceagent", err.Error()))
			return
		}
		// The right first: nothing is learned from how the rest is answered.
		if err := s.opts.Resolver.AdmitTerminal(r.Context(), agentID); err != nil {
			a.WriteError(w, r, err)
			return
		}
		init, err := s.initOf(r.Context(), agentID, r.URL.Query())
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		done, err := s.begin()
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		defer done()
		closed, err := s.opts.Resolver.OpenTerminal(r.Context(), agentID, init.ID)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: termrpc.MaxInput})
		if err != nil {
			closed("It was never open.")
			return // answered already
		}
		t := &terminal{s: s, ws: ws, agentID: agentID,
			again: func(ctx context.Context) (context.Context, error) { return a.Readmit(r.WithContext(ctx)) }}
		e := t.serve(r.Context(), init)
		s.log.Debug("terminal stream ended", "agent_id", agentID.String(), "terminal_id", init.ID.String(), "reason", e.reason)
		_ = ws.Close(e.code, e.reason)
		_ = ws.CloseNow()
		closed(e.reason)
	})
}

// initOf reads the query. Absent sizes are zero: the agent has a default. An app
// runs what its template says, and nothing else.
func (s *Service) initOf(ctx context.Context, agentID api.ID, q url.Values) (termrpc.Init, error) {
	init, err := readInit(q)
	slug := q.Get("app")
	if err != nil || slug == "" {
		return init, err
	}
	if init.Command != "" || init.Container != "" || init.ContainerUser != "" {
		return init, api.Invalid("app", "an app has its own command; leave command, container and container_user out.")
	}
	init.Command, err = s.opts.Resolver.AppCommand(ctx, agentID, slug)
	return init, err
}

func readInit(q url.Values) (init termrpc.Init, err error) {
	if init.ID, err = api.ParseID(q.Get("reconnect")); err != nil {
		return init, api.Invalid("reconnect", "give a UUID that you have made for this terminal.")
	}
	for name, into := range map[string]*uint16{"width": &init.Width, "height": &init.Height} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return init, api.Invalid(name, "give a number of characters from 1 to 65535.")
		}
		*into = uint16(n)
	}
	init.Command, init.Container, init.ContainerUser = q.Get("command"), q.Get("container"), q.Get("container_user")
	return init, init.Validate()
}

// terminal is one open stream.
type terminal struct {
	s       *Service
	ws      *wsconn.Conn
	agentID api.ID
	again   func(context.Context) (context.Context, error) // authenticates the request again
	flow    flow
}

// ending is why a stream ends, as the browser gets it.
type ending struct {
	code   wsconn.Code
	reason string
}

// serve returns after the last goroutine of the stream.
func (t *terminal) serve(ctx context.Context, init termrpc.Init) ending {
	dctx, cancel := context.WithTimeout(ctx, dialTimeout)
	conn, err := t.dial(dctx)
	cancel()
	if err != nil {
		t.s.log.Debug("agent not reached", "agent_id", t.agentID.String(), "error", err)
		return ending{wsconn.CodeTryLater, "The workspace does not answer. It may be stopped, or starting."}
	}
	defer conn.Close() //nolint:errcheck // everything is said
	payload, err := json.Marshal(init)
	if err == nil {
		err = write(conn, termrpc.KindInit, payload)
	}
	if err != nil {
		return broken()
	}
	return t.join(ctx, conn)
}

// dial gives up early when the service stops.
func (t *terminal) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-t.s.stop:
			cancel()
		case <-over:
		}
	}()
	return t.s.opts.Dialer.DialAgent(ctx, t.agentID, termrpc.Port)
}

func broken() ending {
	return ending{wsconn.CodeTryLater, "The connection to the workspace broke; the terminal goes on."}
}

// join copies both ways until one side ends.
func (t *terminal) join(ctx context.Context, conn net.Conn) ending {
	ctx, cancel := context.WithCancel(ctx)
	first := make(chan ending, 1)
	var wg sync.WaitGroup
	for _, part := range []func(context.Context, net.Conn) ending{t.fromBrowser, t.fromAgent, t.keepAlive, t.ping, t.recheck, t.untilStop} {
		wg.Go(func() {
			e := part(ctx, conn)
			select {
			case first <- e:
			default: // another part was first
			}
		})
	}
	e := <-first
	// The browser is told before its connection is torn under the reader.
	_ = conn.Close()
	_ = t.ws.Close(e.code, e.reason)
	cancel()
	_ = t.ws.CloseNow()
	wg.Wait()
	return e
}

// fromBrowser passes on what is typed.
func (t *terminal) fromBrowser(ctx context.Context, conn net.Conn) ending {
	for {
		p, err := t.ws.ReadRaw(ctx)
		if err != nil {
			return ending{wsconn.CodeNormal, ""}
		}
		in, err := termrpc.ParseInput(p)
		if err != nil {
			return ending{wsconn.CodeProtocol, "A message is not the JSON expected here: data, height, width and ack."}
		}
		if !t.flow.take(in) {
			continue // nothing in it is for the agent
		}
		if err := write(conn, termrpc.KindInput, p); err != nil {
			return broken()
		}
	}
}

func write(conn net.Conn, kind byte, p []byte) error {
	_ = conn.SetWriteDeadline(time.Now().Add(termrpc.Silence))
	return termrpc.WriteFrame(conn, kind, p)
}

// fromAgent passes on what is shown.
func (t *terminal) fromAgent(ctx context.Context, conn net.Conn) ending {
	var buf []byte
	for {
		_ = conn.SetReadDeadline(time.Now().Add(termrpc.Silence))
		kind, p, grown, err := termrpc.ReadFrame(conn, buf, termrpc.MaxOutput)
		buf = grown
		switch {
		case err != nil:
			return broken()
		case kind == termrpc.KindOutput:
			if err := t.ws.WriteRaw(ctx, p); err != nil {
				return ending{wsconn.CodeTryLater, "You did not take the output of the terminal in time."}
			}
			if err := t.flow.sent(ctx, len(p)); err != nil {
				return ending{}
			}
		case kind == termrpc.KindEnd:
			return endOf(p)
		case kind != termrpc.KindAlive:
			return ending{wsconn.CodeInternal, "The workspace's agent does not speak as expected; update one of both."}
		}
	}
}

// endOf is the agent's last word. Its text is another's: it is shortened and inert.
func endOf(p []byte) ending {
	var end termrpc.End
	if err := json.Unmarshal(p, &end); err != nil {
		return broken()
	}
	if end.Error != "" {
		return ending{wsconn.CodePolicy, inert(end.Error)}
	}
	return ending{wsconn.CodeNormal, termrpc.Reason(end.ExitCode)}
}

// inert makes one line of plain text that fits into a close.
func inert(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	for len(text) > 120 {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// keepAlive lets the agent know that we are there.
func (t *terminal) keepAlive(ctx context.Context, conn net.Conn) ending {
	tick := t.s.opts.Clock.NewTicker(termrpc.AliveInterval, "devurl", "alive")
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ending{}
		case <-tick.C:
			if err := write(conn, termrpc.KindAlive, nil); err != nil {
				return broken()
			}
		}
	}
}

func (t *terminal) ping(ctx context.Context, _ net.Conn) ending {
	_ = t.ws.Ping(ctx, pingInterval, pingMisses, nil)
	return ending{wsconn.CodeTryLater, "You did not answer."}
}

// recheck ends the stream once its right has ended.
func (t *terminal) recheck(ctx context.Context, _ net.Conn) ending {
	err := httpapi.UntilRevoked(ctx, t.s.opts.Clock, func(ctx context.Context) error {
		again, err := t.again(ctx)
		if err != nil {
			return err
		}
		return t.s.opts.Resolver.MayUseTerminal(again, t.agentID)
	}, "devurl", "recheck")
	if err != nil {
		return ending{wsconn.CodePolicy, "You may no longer use this workspace, or your session has ended."}
	}
	return ending{}
}

func (t *terminal) untilStop(ctx context.Context, _ net.Conn) ending {
	select {
	case <-ctx.Done():
		return ending{}
	case <-t.s.stop:
		return ending{wsconn.CodeGoingAway, "This server is stopping; connect again."}
	}
}
