package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/replicas"
	"coder.internal/derp/mesh"
	"coder.internal/internal/buildinfo"
	"coder.internal/internal/clock"
	"coder.internal/internal/lifecycle"
)

// drainPause is how long balancers get at most to see that a replica stops, while it
// still serves.
const drainPause = 3 * time.Second

// relayURL is where other replicas reach this one's relay; nil for nowhere.
func (c *DERPConfig) relayURL() *url.URL {
	if !c.Enable {
		return nil
	}
	return c.RelayURL
}

// validateRelayURL checks what can be known without asking.
func (c *DERPConfig) validateRelayURL(access *url.URL) error {
	u := c.relayURL()
	if u == nil {
		return nil
	}
	const flag = "option --derp-server-relay-url: "
	ip, err := netip.ParseAddr(u.Hostname())
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New(flag + "is not a URL that starts with http:// or https://")
	case err == nil && ip.IsUnspecified():
		return fmt.Errorf(flag+"%s names no machine; set the address at which the other replicas reach this one", u.Host)
	case access != nil && origin(access) == origin(u):
		return fmt.Errorf(flag+"%s is the access URL, which leads to any replica; set the address that leads to this server alone", u)
	}
	return nil
}

// origin is what decides where a URL leads.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port) + strings.TrimRight(u.Path, "/")
}

// buildReplicas makes what knows the other replicas, and the links to their relays.
func (s *Server) buildReplicas(p *slices, meshKey api.Secret) (err error) {
	c := &s.cfg.DERP
	if c.RelayURL != nil && !c.Enable {
		s.log.Warn("--derp-server-relay-url has no effect: the embedded relay is off", "component", "relay")
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find host name: %w", err)
	}
	self := replicas.Replica{ID: s.replicaID, Hostname: host, Version: buildinfo.Version(), RegionID: c.RegionID}
	options := replicas.Options{DB: s.db, PubSub: p.pubsub, Log: s.log, Clock: clock.Real(), MeshKey: meshKey,
		Gone: func(ctx context.Context, ids []api.ID) error {
			p.rendezvous.ReplicaGone(ctx, ids)
			return nil
		}}
	if p.relay != nil {
		self.RelayKey = p.relay.PublicKey()
	}
	if u := c.relayURL(); u != nil {
		self.RelayURL = u.String()
		options.Client = meshClient()
		p.mesh, err = mesh.New(mesh.Config{Relay: p.relay, MeshKey: meshKey, Log: s.log, Clock: clock.Real()})
		if err != nil {
			return err
		}
		options.Changed, options.Links = linkTo(p.mesh), linksOf(p.mesh)
	}
	options.Self = self
	p.replicas, err = replicas.New(options)
	return err
}

// linkTo hands the replicas that have a relay to the mesh.
func linkTo(m *mesh.Mesh) func([]replicas.Replica) {
	return func(others []replicas.Replica) {
		var peers []mesh.Peer
		for _, o := range others {
			if o.RelayURL != "" && o.RelayKey != "" {
				peers = append(peers, mesh.Peer{ID: o.ID.String(), URL: o.RelayURL, Key: o.RelayKey})
			}
		}
		m.Set(peers)
	}
}

// linksOf tells health how the links are. One that has not been tried yet is no finding.
func linksOf(m *mesh.Mesh) func() []replicas.Link {
	return func() []replicas.Link {
		var out []replicas.Link
		for _, l := range m.Status() {
			if id, err := api.ParseID(l.Peer.ID); err == nil {
				out = append(out, replicas.Link{ID: id, Up: !l.Up.IsZero() || l.Error == "", Error: l.Error})
			}
		}
		return out
	}
}

// meshClient asks relay URLs: without a proxy, since they are inside, and without
// following anybody elsewhere.
func meshClient() *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 3 * time.Second, MaxIdleConnsPerHost: 1,
			IdleConnTimeout: time.Minute, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// relayCheck is the part that ends a start whose relay URL leads elsewhere. It comes
// after the listeners: the question is asked through them.
func (s *Server) relayCheck() lifecycle.Part {
	good := make(chan struct{})
	return lifecycle.Part{Name: "relay URL", Ready: good, Run: func(ctx context.Context) error {
		if err := s.replicas.VerifyRelay(ctx); err != nil {
			return fmt.Errorf("option --derp-server-relay-url: %w", err)
		}
		close(good)
		<-ctx.Done()
		return nil
	}}
}

// overRelayURL says whether a request on the plain listener is for the relay by its
// own URL, which may be plain beside an access URL of https.
func (s *Server) overRelayURL(r *http.Request) bool {
	u := s.cfg.DERP.relayURL()
	return u != nil && u.Scheme == "http" && (r.URL.Path == "/derp" || strings.HasPrefix(r.URL.Path, "/derp/"))
}

// isProbe is for paths that balancers ask under any name and in clear.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" }
