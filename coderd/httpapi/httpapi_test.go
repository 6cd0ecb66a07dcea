package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// down is trouble of the database.
type down string

func (d down) Error() string          { return "dial hunter2" }
func (d down) Outage() (string, bool) { return map[string]string{"f": "full"}[string(d)], d == "u" }

type greeting struct {
	Body struct {
		Name string `json:"name" maxLength:"5"`
	}
}

func newAPI(t *testing.T) http.Handler {
	t.Helper()
	router := chi.NewRouter()
	refuse := func(*http.Request) (context.Context, error) { return nil, rbac.ErrUnauthenticated }
	a := httpapi.New(router, httpapi.Options{Version: "v1.0.0", Log: slog.New(slog.DiscardHandler), Session: refuse, Agent: refuse, Daemon: refuse})
	httpapi.Register(a, httpapi.Route{Method: http.MethodPost, Path: "/hello", Rule: rbac.Public()},
		func(_ context.Context, in *greeting) (*httpapi.Out[string], error) {
			if in.Body.Name == "boom" {
				return nil, errors.New("the password is hunter2")
			}
			if reason, ok := strings.CutPrefix(in.Body.Name, "db "); ok {
				return nil, fmt.Errorf("load hunter2: %w", down(reason))
			}
			return httpapi.OK("hello " + in.Body.Name), nil
		})
	httpapi.Register(a, httpapi.Route{Method: http.MethodPost, Path: "/secret", Rule: rbac.SignedIn()},
		func(context.Context, *greeting) (*httpapi.Out[string], error) { return httpapi.OK("secret"), nil })
	return router
}

func TestTypedEndpoint(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	for _, tc := range []struct {
		name, path, contentType, body string
		status                        int
		want                          string
	}{
		{"json", "/hello", "application/json", `{"name":"ann"}`, 200, "hello ann"},
		{"curl without a header", "/hello", "application/x-www-form-urlencoded", `{"name":"ann"}`, 200, "hello ann"},
		{"no content type", "/hello", "", `{"name":"ann"}`, 200, "hello ann"},
		{"fields of a newer release", "/hello", "", `{"name":"ann","later":1}`, 200, "hello ann"},
		{"not json", "/hello", "", `{`, 400, `"code":"invalid"`},
		{"missing field", "/hello", "", `{}`, 400, `"field":"name"`},
		{"too long", "/hello", "", `{"name":"annabel"}`, 400, `"field":"name"`},
		{"our fault", "/hello", "", `{"name":"boom"}`, 500, `"request_id"`},
		{"no database", "/hello", "", `{"name":"db x"}`, 503, `"code":"unavailable"`},
		{"full database", "/hello", "", `{"name":"db f"}`, 503, `disk is full`},
		{"lost commit", "/hello", "", `{"name":"db u"}`, 503, `may or may not have happened`},
		{"the rule comes before the input", "/secret", "", `{`, 401, `"code":"unauthenticated"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(http.MethodPost, tc.path, strings.NewReader(tc.body))
			if tc.contentType != "" {
				req.Header.Set("Content-Type", tc.contentType)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			require.Equal(t, tc.status, w.Code, w.Body)
			require.Contains(t, w.Body.String(), tc.want)
			require.NotContains(t, w.Body.String(), "hunter2")
		})
	}
}

func TestRouteWithoutRuleDoesNotStart(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() {
		a := httpapi.New(chi.NewRouter(), httpapi.Options{Log: slog.New(slog.DiscardHandler),
			Session: func(*http.Request) (context.Context, error) { return nil, nil },
			Agent:   func(*http.Request) (context.Context, error) { return nil, nil }})
		a.Handle(httpapi.Route{Method: http.MethodGet, Path: "/x"}, http.NotFoundHandler())
	})
}
