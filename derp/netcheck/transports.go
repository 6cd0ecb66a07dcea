package netcheck

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

// transports tries both ways to the first relay: the relay's own upgrade, and a
// websocket. One of them is enough.
func (r *run) transports(ctx context.Context) {
	if r.skip("upgrade", "websocket") {
		return
	}
	u, err := r.firstRelay()
	if err != nil {
		r.add(Step{Name: "upgrade", Status: Failed, Detail: err.Error(), Cure: "Correct the relay map of the server."})
		r.skip("websocket")
		return
	}
	up := r.timed(ctx, "upgrade", func(ctx context.Context) Step { return r.upgrade(ctx, u) })
	ws := r.timed(ctx, "websocket", func(ctx context.Context) Step { return r.websocket(ctx, u) })
	switch {
	case r.Relays.ForceWS && ws.Status == OK:
		up = Step{Name: "upgrade", Status: Skipped, Detail: "the deployment uses websockets only"}
	case up.Status == Failed && ws.Status == OK:
		up.Status = Warning
		up.Cure = "Websockets pass, so everything works. To save the first connection " + upgradeCost + ", let the proxy or balancer pass \"Upgrade: DERP\" at /derp."
	case ws.Status == Failed && up.Status == OK:
		ws.Status = Warning
		ws.Cure = "Relays work, but terminals in the browser and live views need websockets: let the proxy or balancer pass them."
	case up.Status == Failed:
		up.Cure = "Neither way to the relay passes: let the proxy or balancer pass \"Upgrade: websocket\" at /derp and /api."
	}
	r.add(up)
	r.report.Add(ws) // tried in any case
}

// upgradeCost is what a refused upgrade costs; see derp/tailnet.
const upgradeCost = "up to 5 s"

func (r *run) firstRelay() (*url.URL, error) {
	for _, id := range slices.Sorted(maps.Keys(r.Relays.Regions)) {
		urls, err := derpmap.RelayURLs(r.Relays.Regions[id], r.URL)
		if err != nil {
			return nil, err
		}
		if len(urls) > 0 {
			return urls[0], nil
		}
	}
	return nil, errors.New("the deployment has no relay")
}

// upgrade asks for the relay's protocol and waits for its first word.
func (r *run) upgrade(ctx context.Context, u *url.URL) Step {
	s := Step{Status: Failed}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		s.Detail = err.Error()
		return s
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "DERP")
	resp, err := r.client.Do(req)
	if err != nil {
		s.Detail = "\"Upgrade: DERP\" got no answer: " + cause(err)
		return s
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		s.Detail = "\"Upgrade: DERP\" was answered with " + resp.Status
		return s
	}
	if err := greeting(resp.Body); err != nil {
		s.Detail = "after the upgrade: " + err.Error()
		return s
	}
	s.Status, s.Detail = OK, "the relay answers in its own protocol"
	return s
}

// websocket opens the relay over a websocket and waits for its first word.
func (r *run) websocket(ctx context.Context, u *url.URL) Step {
	s := Step{Status: Failed}
	ws, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: r.client, HTTPHeader: r.Header.Clone(),
		Subprotocols: []string{"derp"}, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		s.Detail = "no websocket: " + cause(err)
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			s.Detail = "the websocket was answered with " + resp.Status
		}
		return s
	}
	defer func() { _ = ws.CloseNow() }()
	if ws.Subprotocol() != "derp" {
		s.Detail = "the websocket opens, but it is no relay's"
		return s
	}
	if err := greeting(websocket.NetConn(ctx, ws, websocket.MessageBinary)); err != nil {
		s.Detail = "on the websocket: " + err.Error()
		return s
	}
	s.Status, s.Detail = OK, "the relay answers over a websocket"
	return s
}

// The relay's first frame: type 1, length, "DERP🔑", its key.
const (
	frameServerKey = 1
	relayMagic     = "DERP🔑"
)

func greeting(r io.Reader) error {
	var head [5 + len(relayMagic)]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("the relay says nothing: %w", err)
	}
	n := binary.BigEndian.Uint32(head[1:5])
	if head[0] != frameServerKey || n < uint32(len(relayMagic)) || string(head[5:]) != relayMagic {
		return errors.New("what answers is no relay")
	}
	return nil
}

// regions asks each relay region how far it is.
func (r *run) regions(ctx context.Context) {
	if r.skip("relay") {
		return
	}
	r.add(r.timed(ctx, "relay", r.measure))
}

// maxRegions bounds how many regions are asked.
const maxRegions = 64

func (r *run) measure(ctx context.Context) Step {
	ids := slices.Sorted(maps.Keys(r.Relays.Regions))
	ids = ids[:min(len(ids), maxRegions)]
	took := make([]time.Duration, len(ids))
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { took[i], errs[i] = r.latency(ctx, r.Relays.Regions[id]) })
	}
	wg.Wait()
	var good, bad []string
	s := Step{Status: OK}
	for i, id := range ids {
		name := r.Relays.Regions[id].Name
		if errs[i] != nil {
			bad = append(bad, fmt.Sprintf("%s: %s", name, cause(errs[i])))
			continue
		}
		good = append(good, fmt.Sprintf("%s %s", name, Millis(took[i])))
		if s.Took == 0 || took[i] < s.Took {
			s.Took = took[i]
		}
	}
	s.Detail = strings.Join(append(good, bad...), "; ")
	switch {
	case len(good) == 0:
		s.Status, s.Cure = Failed, "No relay is reached. Let the proxy or balancer pass /derp, or correct the relay map of the server."
	case len(bad) > 0:
		s.Status, s.Cure = Warning, "The other relays are used meanwhile. Mend the region, or take it out of the relay map."
	}
	return s
}

// latency is the time of the second request on one connection.
func (r *run) latency(ctx context.Context, reg tailrpc.Region) (time.Duration, error) {
	urls, err := derpmap.RelayURLs(reg, r.URL)
	if err != nil {
		return 0, err
	}
	if len(urls) == 0 {
		return 0, errors.New("has no address")
	}
	tr := r.Transport.Clone()
	tr.DisableKeepAlives = false
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, CheckRedirect: r.client.CheckRedirect}
	var took time.Duration
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, urls[0].JoinPath("latency-check").String(), nil)
		if err != nil {
			return 0, err
		}
		for k, v := range r.Header {
			req.Header[k] = v
		}
		start := time.Now()
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("answered with %s", resp.Status)
		}
		took = time.Since(start)
	}
	return took, nil
}

// Millis writes a duration in milliseconds with the digits that matter.
func Millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
