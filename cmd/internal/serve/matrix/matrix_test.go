//go:build linux

package matrix_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

const (
	relayed = " through relay "
	direct  = " direct, at "
)

// paths are the hostile ways, by the name of the agent behind each.
var paths = []struct {
	name string
	run  func(t *testing.T, w *world, name string)
}{
	{"proxy", testProxy},
	{"proxy-password", testProxyPassword},
	{"http1-only", testHTTP1Only},
	{"upgrade-refused", testUpgradeRefused},
	{"idle-cut", testIdleCut},
	{"udp-blocked", testUDPBlocked},
	{"symmetric-nat", testSymmetricNAT},
	{"double-nat", testDoubleNAT},
	{"own-ca", testOwnCA},
	{"tls-inspection", testInspection},
	{"ipv6-only", testIPv6Only},
	{"mtu-1280", testSmallMTU},
	{"dead-first-address", testDeadFirst},
	{"client-certificate", testClientCertificate},
	{"wrong-clock", testWrongClock},
}

func TestHostilePaths(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range paths {
		names = append(names, p.name)
	}
	w, err := newWorld(t, names...)
	if err != nil {
		require.ErrorIs(t, err, errRefused)
		t.Log(err)
		return
	}
	t.Run("paths", func(t *testing.T) {
		for _, p := range paths {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.run(t, w, p.name)
			})
		}
	})
}

// pair makes a site for the agent and one for the client.
func (w *world) pair(t *testing.T, k kind) (agent, client *site) {
	t.Helper()
	return w.place(t, k), w.place(t, k)
}

// works runs sessions and wants the packets to take that way.
func works(t *testing.T, p *servetest.CLI, name, way string) {
	t.Helper()
	host := "demo." + name
	require.Equal(t, "hello\n", p.OK("ssh", host, "--", "echo hello"))
	blob := bytes.Repeat([]byte("0123456789abcdef"), 128<<10)
	r := p.Pipe(bytes.NewReader(blob), "ssh", host, "--", "cat")
	require.Zero(t, r.Code, r.Stderr)
	require.True(t, r.Stdout == string(blob), "2 MiB came back changed")
	require.Contains(t, p.OK("ping", host, "--wait", "500ms"), way)
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(address) // of a listener
	return p
}

// plainURL is the server's own address.
func (w *world) plainURL() string { return "http://" + w.address }

func testProxy(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	p := &proxy{w: w}
	a.agent(t, name, w.plainURL(), "HTTP_PROXY=http://"+a.box(t, nil, p.handle))
	works(t, c.person(t, w.plainURL(), "http_proxy=http://"+c.box(t, nil, p.handle)), name, relayed)
	require.Positive(t, p.plain.Load(), "requests without an upgrade")
	require.Positive(t, p.connects.Load(), "upgrades")
}

func testProxyPassword(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	ca := newAuthority(t, "company")
	at := "https://" + w.front(t, ca, hub4)
	p := &proxy{w: w, user: "ann:s3cret"}
	behind := func(s *site, user string) []string {
		return []string{"CODER_CLIENT_TLS_CA_FILE=" + ca.file, "HTTPS_PROXY=http://" + user + s.box(t, nil, p.handle)}
	}
	a.agent(t, name, at, behind(a, "ann:s3cret@")...)
	works(t, c.person(t, at, behind(c, "ann:s3cret@")...), name, relayed)
	require.Zero(t, p.strange.Load())
	stranger := w.place(t, kind{})
	said := stranger.person(t, at, behind(stranger, "")...).Fails("ssh", "demo."+name, "--", "true")
	require.Contains(t, said, "It wants a user and a password")
}

func testHTTP1Only(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	ca := newAuthority(t, "balancer")
	b := &box{dial: w.toServer}
	conf := func(address string) *tls.Config { return ca.config(t, address) }
	trust := "CODER_CLIENT_TLS_CA_FILE=" + ca.file
	a.agent(t, name, "https://"+a.box(t, conf, b.handle), trust)
	works(t, c.person(t, "https://"+c.box(t, conf, b.handle), trust), name, relayed)
	require.Positive(t, b.upgraded.Load())
}

func testUpgradeRefused(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	mine, theirs := &box{dial: w.toServer, passes: websocketOnly}, &box{dial: w.toServer, passes: websocketOnly}
	a.agent(t, name, "http://"+a.box(t, nil, theirs.handle))
	began := time.Now()
	p := c.person(t, "http://"+c.box(t, nil, mine.handle))
	p.OK("ssh", "demo."+name, "--", "true")
	t.Logf("first session after %s", time.Since(began).Round(time.Millisecond))
	works(t, p, name, relayed)
	require.Equal(t, int64(1), theirs.refused.Load(), "the agent asks once and remembers")
	require.Equal(t, int64(4), mine.refused.Load(), "each command asks once")
}

// cutAfter is the patience of the middlebox that cuts idle connections. It is
// shorter than the usual minute, and longer than two keep-alives may be apart.
const cutAfter = 13 * time.Second

func testIdleCut(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	b := &box{dial: w.toServer, passes: websocketOnly, idle: cutAfter}
	a.agent(t, name, "http://"+a.box(t, nil, b.handle))
	p := c.person(t, "http://"+c.box(t, nil, b.handle))
	require.Equal(t, "before\nafter\n", p.OK("ssh", "demo."+name, "--", "echo before; sleep 27; echo after"))
	require.Zero(t, b.cut.Load(), "keep-alives")
	works(t, p, name, relayed)
}

func testUDPBlocked(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{noUDP: true})
	a.agent(t, name, w.plainURL())
	works(t, c.person(t, w.plainURL()), name, relayed)
}

func testSymmetricNAT(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{routers: 1, symmetric: true})
	a.agent(t, name, w.plainURL())
	works(t, c.person(t, w.plainURL()), name, relayed)
}

func testDoubleNAT(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{routers: 2})
	a.agent(t, name, w.plainURL())
	works(t, c.person(t, w.plainURL()), name, direct)
}

func testOwnCA(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	ca := newAuthority(t, "Example Corp Root")
	at := "https://" + w.front(t, ca, hub4)
	trust := "CODER_CLIENT_TLS_CA_FILE=" + ca.file
	a.agent(t, name, at, trust)
	works(t, c.person(t, at, trust), name, direct)
	require.Contains(t, c.person(t, at).Fails("ssh", "demo."+name, "--", "true"), `("Example Corp Root")`)
}

func testInspection(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	public, company := newAuthority(t, "public"), newAuthority(t, "inspector")
	at := w.front(t, public, hub4)
	b := &box{passes: websocketOnly, dial: func(ctx context.Context) (net.Conn, error) {
		nc, err := w.hub.dial(ctx, "tcp", at)
		if err != nil {
			return nil, err
		}
		return tls.Client(nc, &tls.Config{RootCAs: public.pool(), ServerName: hub4}), nil
	}}
	conf := func(address string) *tls.Config { return company.config(t, address) }
	trust := "SSL_CERT_FILE=" + company.file
	a.agent(t, name, "https://"+a.box(t, conf, b.handle), trust)
	works(t, c.person(t, "https://"+c.box(t, conf, b.handle), trust), name, relayed)
}

func testIPv6Only(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{only6: true})
	ln := w.hub.listen(t, net.JoinHostPort(hub6, "0"))
	forward(t, ln, w.toServer)
	at := "http://" + ln.Addr().String()
	a.agent(t, name, at)
	works(t, c.person(t, at), name, direct)
}

func testSmallMTU(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{mtu: 1280})
	a.agent(t, name, w.plainURL())
	works(t, c.person(t, w.plainURL()), name, direct)
}

func testDeadFirst(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	for _, s := range []*site{a, c} {
		s.setHosts(t, "127.0.0.1 localhost", dead4+" coder.test", hub4+" coder.test")
	}
	at := "http://coder.test:" + port(w.address)
	a.agent(t, name, at)
	p := c.person(t, at)
	works(t, p, name, direct)
	began := time.Now()
	p.OK("ssh", "demo."+name, "--", "true")
	took := time.Since(began)
	t.Logf("a session takes %s", took.Round(time.Millisecond))
	require.Less(t, took, 10*time.Second)
}

func testClientCertificate(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	company, people := newAuthority(t, "gateway"), newAuthority(t, "people")
	b := &box{dial: w.toServer}
	conf := func(address string) *tls.Config {
		cf := company.config(t, address)
		cf.ClientAuth, cf.ClientCAs = tls.RequireAndVerifyClientCert, people.pool()
		return cf
	}
	trust := "CODER_CLIENT_TLS_CA_FILE=" + company.file
	a.agent(t, name, "https://"+a.box(t, conf, b.handle), append(people.clientFiles(t), trust)...)
	at := "https://" + c.box(t, conf, b.handle)
	works(t, c.person(t, at, append(people.clientFiles(t), trust)...), name, relayed)
	for _, wrong := range [][]string{{trust}, append(newAuthority(t, "strangers").clientFiles(t), trust)} {
		require.Contains(t, c.person(t, at, wrong...).Fails("ssh", "demo."+name, "--", "true"), "wants a client certificate")
	}
}

// testWrongClock: a computer whose clock is a day behind sees a certificate that
// is not valid yet. It says so; once the clock is set, the agent that waited is
// there. Where nothing depends on it, a wrong clock does no harm.
func testWrongClock(t *testing.T, w *world, name string) {
	a, c := w.pair(t, kind{})
	ca := newAuthority(t, "Example Corp Root")
	var set atomic.Bool
	conf := func(address string) *tls.Config {
		late, now := serverConfig(ca.leaf(t, address, time.Now().Add(24*time.Hour))), ca.config(t, address)
		return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if set.Load() {
				return now, nil
			}
			return late, nil
		}}
	}
	b := &box{dial: w.toServer, clock: 24 * time.Hour}
	trust := "CODER_CLIENT_TLS_CA_FILE=" + ca.file
	a.agent(t, name, "https://"+a.box(t, conf, b.handle), trust)
	p := c.person(t, "https://"+c.box(t, conf, b.handle), trust)
	const cure = "The clock of this computer says"
	require.Contains(t, p.Fails("ssh", "demo."+name, "--", "true"), cure)
	r := p.Run("doctor")
	require.Equal(t, 1, r.Code, r.Stdout)
	require.Contains(t, r.Stdout, "If the clock of this machine is wrong")
	servetest.Eventually(t, "the agent says why it waits", func() bool {
		log, err := os.ReadFile(filepath.Join(w.server.Dir, "agent-"+name, "stderr"))
		return err == nil && strings.Contains(string(log), cure)
	})
	set.Store(true)
	works(t, p, name, relayed)
	require.Contains(t, p.OK("doctor", "demo."+name), "behind the server's")
}
