package replicas

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

const (
	nonceSize   = 16 // bytes
	askTimeout  = 5 * time.Second
	maxIdentity = 4 << 10
)

// errForeign means that a server without the mesh key answers.
var errForeign = errors.New("a server that does not belong to this deployment answers")

func identityMAC(meshKey api.Secret, nonce string, id api.ID) []byte {
	h := hmac.New(sha256.New, []byte(meshKey.Reveal()))
	_, _ = h.Write([]byte("coder replica" + nonce + id.String())) // never fails
	return h.Sum(nil)
}

// HandleIdentity answers api.PathReplica to anybody: which replica this is, and the
// proof of its deployment for the nonce of the one who asks.
func (s *Service) HandleIdentity(w http.ResponseWriter, r *http.Request) {
	nonce := r.URL.Query().Get(api.ReplicaNonceParam)
	if raw, err := hex.DecodeString(nonce); err != nil || len(raw) != nonceSize || s.opts.MeshKey == "" {
		http.Error(w, "nonce: want 32 hexadecimal digits", http.StatusBadRequest)
		return
	}
	id := s.Self().ID
	w.Header().Set("Cache-Control", "no-store")
	httpapi.WriteJSON(w, http.StatusOK, api.ReplicaIdentity{ReplicaID: id, MAC: hex.EncodeToString(identityMAC(s.opts.MeshKey, nonce, id))})
}

// ask learns who answers at a relay URL. fresh makes a new connection for it.
func (s *Service) ask(ctx context.Context, base string, fresh bool) (api.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	u, err := url.Parse(base)
	if err != nil {
		return api.ID{}, errors.New("it is not a URL")
	}
	raw := make([]byte, nonceSize)
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	nonce := hex.EncodeToString(raw)
	u = u.JoinPath(api.PathReplica)
	u.RawQuery = url.Values{api.ReplicaNonceParam: {nonce}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return api.ID{}, fmt.Errorf("ask: %w", err)
	}
	req.Close = fresh
	res, err := s.opts.Client.Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) { // its text repeats the URL
			err = outer.Err
		}
		return api.ID{}, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxIdentity))
	switch {
	case err != nil:
		return api.ID{}, err
	case res.StatusCode != http.StatusOK:
		return api.ID{}, fmt.Errorf("the answer to %s is HTTP %d", api.PathReplica, res.StatusCode)
	}
	var who api.ReplicaIdentity
	if json.Unmarshal(body, &who) != nil {
		return api.ID{}, fmt.Errorf("the answer to %s is not that of a replica", api.PathReplica)
	}
	mac, err := hex.DecodeString(who.MAC)
	if err != nil || !hmac.Equal(mac, identityMAC(s.opts.MeshKey, nonce, who.ReplicaID)) {
		return api.ID{}, errForeign
	}
	return who.ReplicaID, nil
}
