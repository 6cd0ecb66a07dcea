package externalauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

// Bounds.
const (
	providerTimeout = 10 * time.Second // of one call to a provider
	maxCalls        = 64               // to providers at a time
	maxListeners    = 2048             // agents that wait for a sign-in
	maxOwnListeners = 16               // of one agent
	pollEvery       = 2 * time.Second
	keepFlows       = 20 // begun sign-ins of one user
)

// Options of New. All fields but Providers are required.
type Options struct {
	DB     *database.DB
	PubSub *pubsub.PubSub
	Ring   *keys.Ring
	Log    *slog.Logger
	Clock  clock.Clock
	// AccessURL is where browsers reach the deployment.
	AccessURL *url.URL
	Providers []Config
	// Transport reaches providers; nil is net/http's, with the proxies of the
	// environment.
	Transport http.RoundTripper
}

// Service holds the rules of sign-ins. Use New.
type Service struct {
	opts      Options
	db        *database.DB
	log       *slog.Logger
	providers []*provider
	http      *http.Client
	calls     chan struct{} // one place for each call to a provider
	listeners *listeners
}

// New returns a Service. It starts nothing. Its errors are about Providers.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.PubSub == nil || o.Ring == nil || o.Log == nil || o.Clock == nil || o.AccessURL == nil {
		return nil, errors.New("externalauth: Options has a field that is not set")
	}
	list, err := newProviders(o.Providers)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: o.Transport, Timeout: providerTimeout,
		// A redirect would take code, secret or token along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Service{opts: o, db: o.DB, log: o.Log.With("component", "externalauth"), providers: list, http: client,
		calls: make(chan struct{}, maxCalls), listeners: newListeners()}, nil
}

// Check reports what is wrong with a configuration, nil if nothing is.
func Check(list []Config) error {
	_, err := newProviders(list)
	return err
}

// IDs returns the ids of all providers.
func (s *Service) IDs() []string {
	out := make([]string, len(s.providers))
	for i, p := range s.providers {
		out[i] = p.ID
	}
	return out
}

func (s *Service) provider(id string) *provider {
	for _, p := range s.providers {
		if p.ID == id {
			return p
		}
	}
	return nil
}

const what = "External authentication provider"

// find returns a provider for the caller, who may do action on their own sign-ins.
func (s *Service) find(ctx context.Context, id string, action rbac.Action) (*provider, rbac.Subject, error) {
	caller, err := self(ctx, action)
	if err != nil {
		return nil, caller, err
	}
	p := s.provider(id)
	if p == nil {
		return nil, caller, api.NotFound(what)
	}
	return p, caller, nil
}

// self returns the caller if the scope of their key allows action on themselves.
func self(ctx context.Context, action rbac.Action) (rbac.Subject, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return caller, err
	}
	return caller, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeUser, ID: caller.UserID, OwnerID: caller.UserID}, "User")
}

// signInURL is where a user signs in to p.
func (s *Service) signInURL(p *provider) string {
	return s.opts.AccessURL.JoinPath("external-auth", p.ID).String()
}

func (s *Service) callbackURL(p *provider) string {
	return s.opts.AccessURL.JoinPath("external-auth", p.ID, "callback").String()
}

// token is what is sealed in a link.
type token struct {
	Access  api.Secret     `json:"access_token"`
	Refresh api.Secret     `json:"refresh_token,omitempty"`
	Extra   map[string]any `json:"extra,omitempty"`
	// life is in seconds, 0 for ever. The database knows when it ends.
	life float64
}

func (t token) fresh() float64 { return t.life - min(300, t.life/4) }

func (s *Service) seal(t token) ([]byte, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode token: %w", err)
	}
	return s.opts.Ring.Seal(plain)
}

func (s *Service) open(l database.ExternalAuthLink) (token, error) {
	var t token
	plain, err := s.opts.Ring.Open(l.Token)
	if err == nil {
		err = json.Unmarshal(plain, &t)
	}
	if err != nil {
		return t, fmt.Errorf("open the sign-in of user %s to %q: %w", l.UserID, l.ProviderID, err)
	}
	return t, nil
}

// usable reports whether a token can be had of a link without its user.
func (p *provider) usable(l database.ExternalAuthLink, expired bool) bool {
	return !l.Invalid && (!expired || l.HasRefresh && !p.NoRefresh)
}

// topic tells of a change of a user's sign-ins.
func topic(user api.ID) string { return "external-auth:" + user.String() }
