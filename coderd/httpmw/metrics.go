package httpmw

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics returns a middleware that counts and times requests by route pattern,
// under the reference's names. Paths that match no route share one label, so
// that strangers cannot make series.
func Metrics(reg prometheus.Registerer) func(http.Handler) http.Handler {
	processed := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "coderd_api_requests_processed_total",
		Help: "Requests that were answered."}, []string{"code", "method", "path"})
	running := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "coderd_api_concurrent_requests",
		Help: "Requests that are being answered, websockets apart."}, []string{"method"})
	sockets := prometheus.NewGauge(prometheus.GaugeOpts{Name: "coderd_api_concurrent_websockets",
		Help: "Websockets that are open."})
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "coderd_api_request_latencies_seconds",
		Help:    "How long requests took, websockets apart.",
		Buckets: []float64{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 30}}, []string{"method", "path"})
	reg.MustRegister(processed, running, sockets, latency)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			method := knownMethod(r.Method)
			gauge := running.WithLabelValues(method)
			socket := r.Header.Get("Upgrade") != ""
			if socket {
				gauge = sockets
			}
			gauge.Inc()
			defer gauge.Dec()
			start := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(ww, r)
			path := chi.RouteContext(r.Context()).RoutePattern()
			if path == "" {
				path = "none"
			}
			code := ww.Status()
			if socket && code == 0 {
				code = http.StatusSwitchingProtocols // hijacked: nobody wrote a status
			}
			processed.WithLabelValues(strconv.Itoa(code), method, path).Inc()
			if !socket {
				latency.WithLabelValues(method, path).Observe(time.Since(start).Seconds())
			}
		})
	}
}

// knownMethod keeps invented methods out of labels.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
