package httpmw_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/httpmw"
)

func TestMetricsLabelByRoute(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	router := chi.NewRouter()
	router.Use(httpmw.Metrics(reg))
	router.Get("/users/{user}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, req := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/users/a", nil),
		httptest.NewRequest(http.MethodGet, "/users/b", nil),
		httptest.NewRequest("BREW", "/made/up", nil),
	} {
		router.ServeHTTP(httptest.NewRecorder(), req)
	}
	families, err := reg.Gather()
	require.NoError(t, err)
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "coderd_api_requests_processed_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			var key string
			for _, l := range m.GetLabel() { // sorted by name: code, method, path
				key += l.GetValue() + " "
			}
			got[key] = m.GetCounter().GetValue()
		}
	}
	require.Equal(t, map[string]float64{"418 GET /users/{user} ": 2, "405 other none ": 1}, got)
}
