package relay

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/types/key"

	"coder.internal/api"
)

const (
	// MeshHeader names a request as another replica's. Its value is MeshProof of
	// the relay that is asked.
	MeshHeader = "Coder-Mesh"
	// maxMesh bounds the connections of other replicas; each has one, and for a
	// moment two. They have their own places: members cannot crowd them out.
	maxMesh = 256
	// doubtAfter is how long a connection whose node was seen elsewhere has to
	// give a sign of life.
	doubtAfter = 3 * time.Second
	// maxDoubts bounds the connections that are in doubt at once. The others
	// wait for GoneAfter like all that are silent.
	maxDoubts = 1024
)

// MeshProof shows the relay with the given public key that the caller has the
// mesh key, without telling it. It opens the door only: inside, the caller proves
// the same in a sealed message.
func MeshProof(meshKey api.Secret, of key.NodePublic) string {
	m := hmac.New(sha256.New, []byte(meshKey.Reveal()))
	m.Write([]byte("coder mesh " + of.String()))
	return hex.EncodeToString(m.Sum(nil))
}

// meshRequest says whether another replica asks, and whether it may.
func (r *Relay) meshRequest(req *http.Request) (mesh, ok bool) {
	proof := req.Header.Get(MeshHeader)
	if proof == "" {
		return false, true
	}
	return true, r.meshProof != "" && hmac.Equal([]byte(proof), []byte(r.meshProof))
}

// meshConns is how many connections other replicas have.
func (r *Relay) meshConns() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.meshed
}

// PublicKey is what other replicas know this relay by, as "nodekey:<hex>".
func (r *Relay) PublicKey() string { return r.server.PublicKey().String() }

// Forward sends packets for a node that is not here to f, until Unforward. A node
// that is here, too, gets its packets here. f must be comparable; one for a node.
func (r *Relay) Forward(node key.NodePublic, f derpserver.PacketForwarder) {
	r.server.AddPacketForwarder(node, f)
}

// Unforward ends Forward.
func (r *Relay) Unforward(node key.NodePublic, f derpserver.PacketForwarder) {
	r.server.RemovePacketForwarder(node, f)
}

// Elsewhere notes that a node has connected to another replica. Connections that
// it left behind here would swallow its packets, so they are asked for a sign of
// life at once and ended without one. It does not block.
func (r *Relay) Elsewhere(node key.NodePublic) {
	for _, l := range r.members.linksOf(node) {
		select {
		case r.doubts <- l:
		default:
		}
	}
}

// doubt watches connections in doubt until ctx ends.
func (r *Relay) doubt(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxDoubts)
	for {
		var l *link
		select {
		case <-ctx.Done():
			return
		case l = <-r.doubts:
		}
		select {
		case slots <- struct{}{}:
		default:
			continue
		}
		if !l.doubted.CompareAndSwap(false, true) {
			<-slots
			continue // it is being asked
		}
		wg.Go(func() {
			defer func() { l.doubted.Store(false); <-slots }()
			r.askLife(ctx, l)
		})
	}
}

func (r *Relay) askLife(ctx context.Context, l *link) {
	asked := time.Now()
	l.ping(asked)
	t := time.NewTimer(doubtAfter)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.closed:
	case <-t.C:
		if l.heard.Load() <= asked.UnixNano() {
			r.silenced.Add(1)
			_ = l.Close()
		}
	}
}

// linksOf are the connections of a node.
func (s *members) linksOf(k key.NodePublic) []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.keys[k]
	if m == nil {
		return nil
	}
	out := make([]*link, 0, len(m.links))
	for l := range m.links {
		out = append(out, l)
	}
	return out
}
