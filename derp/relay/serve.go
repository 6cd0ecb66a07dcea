package relay

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
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
	if !r.enter() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "the relay takes no more connections now; try again", http.StatusServiceUnavailable)
		return
	}
	defer r.leave()
	switch strings.ToLower(req.Header.Get("Upgrade")) {
	case "derp":
		r.serveUpgrade(w, req)
	case "websocket":
		r.serveWebsocket(w, req)
	default:
		// The version of the answer tells clients that the upgrade was lost.
		http.Error(w, "DERP requires connection upgrade", http.StatusUpgradeRequired)
	}
}

// serveUpgrade speaks the relay's protocol right behind the HTTP header.
func (r *Relay) serveUpgrade(w http.ResponseWriter, req *http.Request) {
	nc, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "the relay's protocol needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	_ = nc.SetDeadline(time.Now().Add(derpWriteTimeout))
	if req.Header.Get(derp.FastStartHeader) != "1" {
		pub := r.server.PublicKey()
		_, err = fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n"+
			"Derp-Version: %v\r\nDerp-Public-Key: %s\r\n\r\n", derp.ProtocolVersion, pub.UntypedHexString())
	}
	if err != nil {
		_ = nc.Close()
		return
	}
	r.accept(req.Context(), nc, brw.Reader, req.RemoteAddr)
}

// serveWebsocket speaks it in binary messages, for networks that pass nothing
// else. Any origin may: what a page could do here needs a node key.
func (r *Relay) serveWebsocket(w http.ResponseWriter, req *http.Request) {
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
	r.accept(req.Context(), wsconn.NetConn(req.Context(), ws, websocket.MessageBinary, req.RemoteAddr), nil, req.RemoteAddr)
}

// accept hands a connection to the library until it ends.
func (r *Relay) accept(ctx context.Context, nc net.Conn, buffered *bufio.Reader, remote string) {
	l := newLink(nc, buffered, time.Now(), func(l *link) {
		r.pending.Add(-1)
		r.members.claim(l)
	})
	r.pending.Add(1)
	r.members.add(l)
	brw := bufio.NewReadWriter(bufio.NewReader(l), bufio.NewWriter(l))
	r.server.Accept(ctx, l, brw, remote)
	if l.trust != nil {
		r.pending.Add(-1)
	}
	r.members.remove(l)
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

func (r *Relay) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running || r.conns >= r.cfg.MaxConns || r.pending.Load() >= maxPending {
		r.refused.Add(1)
		return false
	}
	r.conns++
	return true
}

func (r *Relay) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns--
	if r.conns == 0 {
		r.idle.Broadcast()
	}
}
