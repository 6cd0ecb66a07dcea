package agents

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
)

// Streams carries streams on connections that agents hold. The call blocks until
// the connection ends; coderd/agentconn implements it.
type Streams interface {
	ServeAgent(ctx context.Context, conn net.Conn, agentID api.ID) error
}

// upgradeTimeout bounds the answer to an upgrade.
const upgradeTimeout = 10 * time.Second

// StreamsAgent serves GET /workspaceagents/me/streams: the connection on which
// replicas open streams to an agent. It ends when a newer build has succeeded.
func (s *Service) StreamsAgent(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent := httpmw.AgentFrom(r.Context())
		if !strings.EqualFold(r.Header.Get("Upgrade"), agentrpc.StreamsProtocol) || r.ContentLength > 0 {
			w.Header().Set("Upgrade", agentrpc.StreamsProtocol)
			httpapi.WriteJSON(w, http.StatusUpgradeRequired, &api.Error{Code: api.CodeInvalid, Message: "This route is an upgrade to " + agentrpc.StreamsProtocol + "."})
			return
		}
		conn, err := upgrade(w)
		if err != nil {
			a.WriteError(w, r, &api.Error{Code: api.CodeInvalid, Message: "This route needs HTTP/1.1."})
			return
		}
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
		defer cancel(nil)
		watch := make(chan struct{})
		go func() {
			defer close(watch)
			s.untilReplaced(ctx, agent, func() { cancel(errToken) })
		}()
		err = s.opts.Streams.ServeAgent(ctx, conn, agent.ID)
		s.log.Debug("agent's stream connection ended", "agent_id", agent.ID.String(), "error", err)
		cancel(nil)
		<-watch
	})
}

// upgrade answers 101 and returns the connection behind the request.
func upgrade(w http.ResponseWriter) (net.Conn, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(upgradeTimeout))
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+agentrpc.StreamsProtocol+"\r\n\r\n")
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		// The session finds it broken, and says so.
		_ = conn.Close()
	}
	n := rw.Reader.Buffered()
	if n == 0 {
		return conn, nil
	}
	early, err := rw.Reader.Peek(n)
	return &ahead{Conn: conn, early: append([]byte(nil), early...)}, err
}

// ahead reads first what came with the request.
type ahead struct {
	net.Conn
	early []byte
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.early) == 0 {
		return a.Conn.Read(p)
	}
	n := copy(p, a.early)
	a.early = a.early[n:]
	return n, nil
}
