package mesh

import "github.com/prometheus/client_golang/prometheus"

// Describe implements prometheus.Collector; the set of series is not fixed.
func (m *Mesh) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *Mesh) Collect(ch chan<- prometheus.Metric) {
	var up, down, lost, nodes float64
	for _, l := range m.Status() {
		if l.Up.IsZero() {
			down++
		} else {
			up++
		}
		lost += float64(l.Lost)
		nodes += float64(l.Nodes)
	}
	const prefix = "coder_derp_mesh_"
	gauge := func(name, help string, x float64) {
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(prefix+name, help, nil, nil), prometheus.GaugeValue, x)
	}
	gauge("links_up", "Links to the relays of other replicas that work.", up)
	gauge("links_down", "Links to the relays of other replicas that do not work.", down)
	gauge("nodes", "Nodes that are connected to other replicas.", nodes)
	gauge("packets_lost", "Packets that found no room in the links there are now.", lost)
}
