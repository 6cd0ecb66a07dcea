package identity

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
)

// KeySource returns Google's key of an id. An error that is no *api.Error means
// that the source is down.
type KeySource interface {
	Key(ctx context.Context, id string) (*rsa.PublicKey, error)
}

// Google verifies identity tokens of Compute Engine.
type Google struct {
	Keys KeySource
	// Audience is what tokens must be made for: the access URL without a slash
	// at its end.
	Audience string
	Now      func() time.Time
}

// maxAge bounds how long ago a token was made, whatever it says of its end.
const maxAge = time.Hour + skew

type googleClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Google   struct {
		Engine struct {
			InstanceID string `json:"instance_id"`
		} `json:"compute_engine"`
	} `json:"google"`
}

// Instance returns the id of the machine that a token is about.
func (g Google) Instance(ctx context.Context, token string) (string, error) {
	const cloud = "Google"
	parts := strings.Split(token, ".")
	if len(token) > MaxDocument || len(parts) != 3 {
		return "", refused(cloud, "it is not a JSON web token")
	}
	var head struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}
	if !decode(parts[0], &head) || head.Alg != "RS256" || head.Kid == "" {
		return "", refused(cloud, "it is not signed by RS256 with a named key")
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return "", refused(cloud, "the signature is not base64")
	}
	key, err := g.Keys.Key(ctx, head.Kid)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) != nil {
		return "", refused(cloud, "Google did not sign it")
	}
	var c googleClaims
	if !decode(parts[1], &c) {
		return "", refused(cloud, "its claims are not readable")
	}
	now := g.Now()
	switch {
	case c.Issuer != "https://accounts.google.com" && c.Issuer != "accounts.google.com":
		return "", refused(cloud, "Google is not its issuer")
	case g.Audience == "" || strings.TrimRight(c.Audience, "/") != g.Audience:
		return "", refused(cloud, "it was made for another address; the agent's URL must be the access URL of the deployment")
	case c.Expires == 0 || now.After(time.Unix(c.Expires, 0).Add(skew)):
		return "", refused(cloud, "it has expired")
	case now.Before(time.Unix(c.Issued, 0).Add(-skew)) || now.Sub(time.Unix(c.Issued, 0)) > maxAge:
		return "", refused(cloud, "it is too old, or a clock is wrong")
	case c.Google.Engine.InstanceID == "":
		return "", refused(cloud, "it names no instance; the token must be of the full format")
	}
	return c.Google.Engine.InstanceID, nil
}

func decode(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, into) == nil
}

// GoogleKeysURL is where Google publishes its keys.
const GoogleKeysURL = "https://www.googleapis.com/oauth2/v3/certs"

const (
	keysFor     = time.Hour       // how long keys are used without asking again
	keysAgain   = 5 * time.Minute // the least time between questions for an unknown key
	keysTimeout = 10 * time.Second
	maxKeys     = 1 << 20
)

// JWKS is a KeySource that fetches a key set over HTTP and keeps it for a while.
// A stranger who names unknown keys causes one question in five minutes.
type JWKS struct {
	URL    string
	Client *http.Client
	Now    func() time.Time

	mu    sync.Mutex
	keys  map[string]*rsa.PublicKey
	asked time.Time
	busy  chan struct{} // closed when the running question is answered
}

// Key implements KeySource.
func (j *JWKS) Key(ctx context.Context, id string) (*rsa.PublicKey, error) {
	for {
		j.mu.Lock()
		age := j.Now().Sub(j.asked)
		k := j.keys[id]
		fresh := !j.asked.IsZero() && (k != nil && age < keysFor || k == nil && age < keysAgain)
		busy := j.busy
		if fresh {
			known := len(j.keys) > 0
			j.mu.Unlock()
			if k != nil {
				return k, nil
			}
			if !known {
				return nil, errKeys
			}
			return nil, refused("Google", "it names a key that Google does not publish")
		}
		if busy == nil {
			busy = make(chan struct{})
			j.busy = busy
			j.mu.Unlock()
			j.refresh(ctx, busy)
			continue
		}
		j.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-busy:
		}
	}
}

var errKeys = &api.Error{Code: api.CodeUnavailable, Message: "The keys of Google could not be fetched, so its identities cannot be verified now. Try again in some minutes."}

// refresh asks once. Old keys are dropped when the answer does not come: a
// verifier that cannot verify refuses.
func (j *JWKS) refresh(ctx context.Context, done chan struct{}) {
	// One caller who goes away must not spoil it for the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	defer cancel()
	keys, err := j.fetch(ctx)
	if err != nil {
		keys = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keys, j.asked, j.busy = keys, j.Now(), nil
	close(done)
}

func (j *JWKS) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("request keys: %w", err)
	}
	resp, err := j.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: status %d", resp.StatusCode)
	}
	var set struct {
		Keys []struct {
			Kty, Kid, N, E string
		} `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxKeys)).Decode(&set); err != nil {
		return nil, fmt.Errorf("decode keys: %w", err)
	}
	out := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err1 := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		exp := new(big.Int).SetBytes(e)
		if k.Kty != "RSA" || k.Kid == "" || err1 != nil || err2 != nil || len(n) < 256 || !exp.IsInt64() || exp.Int64() < 3 || exp.Int64() > 1<<31-1 {
			continue
		}
		out[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exp.Int64())}
	}
	if len(out) == 0 {
		return nil, errors.New("the answer holds no usable key")
	}
	return out, nil
}
