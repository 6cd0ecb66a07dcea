package relay

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"tailscale.com/derp"
	"tailscale.com/derp/derpserver"
	"tailscale.com/net/wsconn"
	"tailscale.com/types/key"
)

func (r *Relay) serve(w http.ResponseWriter, req *http.Request) {
	if strings.HasSuffix(req.URL.Path, "/latency-check") || strings.HasSuffix(req.URL.Path, "/probe") {
		derpserver.ProbeHandler(w, req)
		return
	}
	mesh, ok := r.meshRequest(req)
	if !ok {
		r.refused.Add(1)
		w.Header().Set("Derp-Public-Key", r.server.PublicKey().UntypedHexString()) // the proof may be for another relay
		http.Error(w, "this relay has another mesh key; replicas that form a mesh share one database", http.StatusForbidden)
		return
	}
	if !r.enter(mesh) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "the relay takes no more connections now; try again", http.StatusServiceUnavailable)
		return
	}
	switch strings.ToLower(req.Header.Get("Upgrade")) {
	case "derp":
		r.serveUpgrade(w, req, mesh)
	case "websocket":
		defer r.leave(mesh)
		r.serveWebsocket(w, req, mesh)
	default:
		defer r.leave(mesh)
		// The version of the answer tells clients that the upgrade was lost.
		http.Error(w, "DERP requires connection upgrade", http.StatusUpgradeRequired)
	}
}

// serveUpgrade speaks the relay's protocol right behind the HTTP header. It returns
// at once: what HTTP keeps of a connection for as long as its handler runs would be
// a good part of what a member costs. Close waits for the connection all the same.
func (r *Relay) serveUpgrade(w http.ResponseWriter, req *http.Request, mesh bool) {
	nc, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		r.leave(mesh)
		http.Error(w, "the relay's protocol needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	head, err := brw.Reader.Peek(brw.Reader.Buffered())
	if err == nil {
		head = bytes.Clone(head) // the buffer is used again
		err = r.agree(nc, req)
	}
	if err != nil {
		_ = nc.Close()
		r.leave(mesh)
		return
	}
	remote := req.RemoteAddr
	go func() {
		defer r.leave(mesh)
		defer func() {
			if p := recover(); p != nil { // HTTP would end this connection alone, too
				r.log.Error("the relay's protocol failed", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		// The request is over; the connection ends by itself or with Close.
		r.accept(context.Background(), nc, head, brw, remote, mesh)
	}()
}

// agree answers the request for the relay's protocol.
func (r *Relay) agree(nc net.Conn, req *http.Request) error {
	if err := nc.SetDeadline(time.Now().Add(derpWriteTimeout)); err != nil {
		return err
	}
	if req.Header.Get(derp.FastStartHeader) == "1" {
		return nil
	}
	pub := r.server.PublicKey()
	_, err := fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n"+
		"Derp-Version: %v\r\nDerp-Public-Key: %s\r\n\r\n", derp.ProtocolVersion, pub.UntypedHexString())
	return err
}

// serveWebsocket speaks it in binary messages, for networks that pass nothing
// else. Any origin may: what a page could do here needs a node key.
func (r *Relay) serveWebsocket(w http.ResponseWriter, req *http.Request, mesh bool) {
	if !slices.ContainsFunc(req.Header.Values("Sec-Websocket-Protocol"), func(v string) bool { return strings.Contains(v, "derp") }) {
		http.Error(w, "the relay's websocket needs the subprotocol derp", http.StatusBadRequest)
		return
	}
	ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{Subprotocols: []string{"derp"},
		OriginPatterns: []string{"*"}, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	if ws.Subprotocol() != "derp" {
		_ = ws.Close(websocket.StatusPolicyViolation, "the subprotocol must be derp")
		return
	}
	r.accept(req.Context(), wsconn.NetConn(req.Context(), ws, websocket.MessageBinary, req.RemoteAddr), nil, nil, req.RemoteAddr, mesh)
}

// accept hands a connection to the library until it ends. head is what was read of
// it already; brw, whose buffers are used, may be nil.
func (r *Relay) accept(ctx context.Context, nc net.Conn, head []byte, brw *bufio.ReadWriter, remote string, mesh bool) {
	l := newLink(nc, head, time.Now(), func(l *link) {
		r.pending.Add(-1)
		r.members.claim(l)
	})
	l.mesh = mesh
	r.pending.Add(1)
	r.members.add(l)
	defer func() {
		if l.trust != nil {
			r.pending.Add(-1)
		}
		r.members.remove(l)
	}()
	if brw == nil {
		brw = bufio.NewReadWriter(bufio.NewReader(l), bufio.NewWriter(l))
	} else {
		brw.Reader.Reset(l)
		brw.Writer.Reset(l)
	}
	r.server.Accept(ctx, l, brw, remote)
}

// ask is the verifier's question, noted for the audit.
func (r *Relay) ask(ctx context.Context, k key.NodePublic) bool {
	if !r.cfg.Verify(ctx, k.String()) {
		r.refused.Add(1)
		return false
	}
	r.members.admitted(k, time.Now())
	return true
}

func (r *Relay) enter(mesh bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if mesh {
		if !r.running || r.meshed >= maxMesh {
			return false
		}
		r.meshed++
		return true
	}
	if !r.running || r.conns >= r.cfg.MaxConns || r.pending.Load() >= maxPending {
		r.refused.Add(1)
		return false
	}
	r.conns++
	return true
}

func (r *Relay) leave(mesh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if mesh {
		r.meshed--
	} else {
		r.conns--
	}
	if r.conns+r.meshed == 0 {
		r.idle.Broadcast()
	}
}
