// Package httpmw is what every request passes before its handler: panic
// recovery, request id, access log, and the guards that find out who calls.
//
// It never decides what a caller may do; that is rbac's, asked by the service.
package httpmw

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/buildinfo"
)

// Base wraps h with recovery, request id, origin and access log, for all routes.
func Base(log *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := api.NewID()
		ctx := httpapi.WithRequestID(r.Context(), id)
		ctx = audit.WithRequest(ctx, audit.Request{IP: ClientIP(r), UserAgent: r.UserAgent()})
		w.Header().Set(api.RequestIDHeader, id.String())
		w.Header().Set(api.BuildVersionHeader, buildinfo.Version())
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.Error("panic in handler", "request_id", id.String(), "panic", p, "stack", string(debug.Stack()))
				if ww.Status() == 0 {
					httpapi.WriteJSON(ww, http.StatusInternalServerError, &api.Error{Code: api.CodeInternal,
						Message: "An internal error occurred.", RequestID: id.String()})
				}
			}
			logAccess(log, r, ww, id, time.Since(start))
		}()
		h.ServeHTTP(ww, r.WithContext(ctx))
	})
}

func logAccess(log *slog.Logger, r *http.Request, w middleware.WrapResponseWriter, id api.ID, took time.Duration) {
	// The path only: queries of some clients carry tokens.
	log.LogAttrs(context.Background(), slog.LevelDebug, "request",
		slog.String("request_id", id.String()), slog.String("method", r.Method),
		slog.String("path", r.URL.Path), slog.Int("status", w.Status()),
		slog.Int("bytes", w.BytesWritten()), slog.Duration("took", took))
}

// ClientIP returns the address of the peer. Forwarded headers are not believed:
// trusted proxies come with their own option.
func ClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Token returns the credential of a request and whether a browser sent it by
// itself (as a cookie), in which case the origin must be proven.
func (p Pages) Token(r *http.Request) (token api.Secret, fromCookie bool) {
	if t := r.Header.Get(api.SessionTokenHeader); t != "" {
		return api.Secret(t), false
	}
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && t != "" {
		return api.Secret(t), false
	}
	names := []string{api.HostPrefix + api.SessionTokenCookie, api.SessionTokenCookie}
	if p.hostPrefix {
		names = names[:1]
	}
	for _, name := range names {
		// Two of one name: one of them is planted by another host or port.
		if found := r.CookiesNamed(name); len(found) == 1 && found[0].Value != "" {
			return api.Secret(found[0].Value), true
		}
	}
	return "", false
}
