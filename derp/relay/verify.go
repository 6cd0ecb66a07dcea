package relay

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// The library asks a URL whether a key may enter. Ours is a path that nobody
// else can guess on a listener that nobody else can reach.

const (
	// verifyTimeout is below the five seconds after which the library refuses, and
	// below the three after which a node takes silence for a middlebox
	// (derp/tailnet): a server that is slow to learn keys refuses, and is asked again.
	verifyTimeout = 2500 * time.Millisecond
	// maxVerifying bounds the keys being waited for; beyond it the answer is no.
	maxVerifying = 4096
	// maxVerifyBody bounds the library's question.
	maxVerifyBody = 4 << 10
)

type verifier struct {
	path  string
	ask   func(ctx context.Context, k key.NodePublic) bool
	slots chan struct{}
}

func newVerifier(ask func(context.Context, key.NodePublic) bool) *verifier {
	return &verifier{path: "/" + randomHex(16), ask: ask, slots: make(chan struct{}, maxVerifying)}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// ServeHTTP answers one question. Any doubt is a no.
func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(tailcfg.DERPAdmitClientResponse{Allow: v.allow(w, r)})
}

func (v *verifier) allow(w http.ResponseWriter, r *http.Request) bool {
	var q tailcfg.DERPAdmitClientRequest
	if r.Method != http.MethodPost {
		return false
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxVerifyBody)).Decode(&q); err != nil {
		return false
	}
	if q.NodePublic.IsZero() {
		return false
	}
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
	defer cancel()
	return v.ask(ctx, q.NodePublic)
}
