package relay

import (
	"bufio"
	"expvar"
	"io"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"tailscale.com/metrics"
)

// series maps the library's own counters to what operators know them as.
var series = []struct {
	name, from string
	gauge      bool
}{
	{"accepts_total", "accepts", false},
	{"average_queue_duration_ms", "average_queue_duration_ms", true},
	{"bytes_received_total", "bytes_received", false},
	{"bytes_sent_total", "bytes_sent", false},
	{"clients", "gauge_clients_total", true},
	{"clients_local", "gauge_clients_local", true},
	{"clients_remote", "gauge_clients_remote", true},
	{"connections", "gauge_current_connections", true},
	{"got_ping_total", "got_ping", false},
	{"home_connections", "gauge_current_home_connections", true},
	{"home_moves_in_total", "home_moves_in", false},
	{"home_moves_out_total", "home_moves_out", false},
	{"packets_forwarded_in_total", "packets_forwarded_in", false},
	{"packets_forwarded_out_total", "packets_forwarded_out", false},
	{"packets_received_total", "packets_received", false},
	{"packets_sent_total", "packets_sent", false},
	{"peer_gone_disconnected_total", "peer_gone_disconnected_frames", false},
	{"peer_gone_not_here_total", "peer_gone_not_here_frames", false},
	{"sent_pong_total", "sent_pong", false},
	{"unknown_frames_total", "unknown_frames", false},
	{"watchers", "gauge_watchers", true},
}

const prefix = "coder_derp_server_"

// own are the figures that the library does not have.
func (r *Relay) own() []figure {
	f := []figure{
		{"pending", "Connections that are not admitted yet.", true, r.pending.Load()},
		{"mesh_connections", "Connections of other replicas.", true, int64(r.meshConns())},
		{"refused_total", "Connections and keys that were not let in.", false, r.refused.Load()},
		{"silent_total", "Connections ended because the peer did not answer.", false, r.silenced.Load()},
		{"fair_bytes_per_second", "What each heavy member may send now; 0 is no limit.", true, r.limit.Load()},
	}
	if r.stun != nil {
		f = append(f, figure{"stun_answered_total", "STUN questions that were answered.", false, r.stun.answered.Load()},
			figure{"stun_ignored_total", "Packets at the STUN port that were no question.", false, r.stun.ignored.Load()},
			figure{"stun_limited_total", "Packets at the STUN port above the limits.", false, r.stun.limited.Load()})
	}
	return f
}

type figure struct {
	name, help string
	gauge      bool
	value      int64
}

// Describe implements prometheus.Collector; the set of series is not fixed.
func (r *Relay) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r *Relay) Collect(ch chan<- prometheus.Metric) {
	for _, f := range r.own() {
		send(ch, f.name, f.help, f.gauge, float64(f.value), nil, nil)
	}
	set, ok := r.server.ExpVar(false).(*metrics.Set)
	if !ok {
		return
	}
	for _, s := range series {
		if v := set.Get(s.from); v != nil {
			if x, err := strconv.ParseFloat(v.String(), 64); err == nil {
				send(ch, s.name, "Of the embedded relay.", s.gauge, x, nil, nil)
			}
		}
	}
	if kinds, ok := set.Get("counter_packets_received_kind").(*metrics.LabelMap); ok {
		kinds.Do(func(kv expvar.KeyValue) {
			if x, err := strconv.ParseFloat(kv.Value.String(), 64); err == nil {
				send(ch, "packets_received_kind_total", "Of the embedded relay, by kind.", false, x, []string{"kind"}, []string{kv.Key})
			}
		})
	}
	drops(ch)
}

// drops reads a counter that the library has once for the process.
func drops(ch chan<- prometheus.Metric) {
	m, ok := expvar.Get("derp_packets_dropped").(interface {
		WritePrometheus(w io.Writer, name string)
	})
	if !ok {
		return
	}
	var b strings.Builder
	m.WritePrometheus(&b, "x")
	var all float64
	byReason, byKind := map[string]float64{}, map[string]float64{}
	for sc := bufio.NewScanner(strings.NewReader(b.String())); sc.Scan(); {
		labels, value, ok := strings.Cut(strings.TrimPrefix(sc.Text(), "x{"), "} ")
		x, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			continue // a comment
		}
		all += x
		for _, l := range strings.Split(labels, ",") {
			switch k, v, _ := strings.Cut(l, "="); k {
			case "reason":
				byReason[strings.Trim(v, `"`)] += x
			case "kind":
				byKind[strings.Trim(v, `"`)] += x
			}
		}
	}
	send(ch, "packets_dropped_total", "Of the embedded relay.", false, all, nil, nil)
	for k, x := range byReason {
		send(ch, "packets_dropped_reason_total", "Of the embedded relay, by reason.", false, x, []string{"reason"}, []string{k})
	}
	for k, x := range byKind {
		send(ch, "packets_dropped_type_total", "Of the embedded relay, by type.", false, x, []string{"type"}, []string{k})
	}
}

func send(ch chan<- prometheus.Metric, name, help string, gauge bool, x float64, labels, values []string) {
	t := prometheus.CounterValue
	if gauge {
		t = prometheus.GaugeValue
	}
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(prefix+name, help, labels, nil), t, x, values...)
}
