package externalauth

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// page is what page.html shows. Texts of providers are escaped by the template.
type page struct {
	Title, Message, Detail string
	Login                  bool
	Begin, Device, Unlink  string // labels; empty: no such button
	Back, BackText         string
	Base, ID, Redirect     string
	Style                  template.CSS
	Script                 template.JS
}

// pages serves the pages of sign-ins.
type pages struct {
	s    *Service
	a    *httpapi.API
	html *template.Template
	csp  string
}

// Page serves GET /external-auth/{externalauth}: where a user signs in, sees that
// they are, and signs out again.
func (s *Service) Page(a *httpapi.API) http.Handler {
	p := newPages(s, a)
	return p.serve(p.show)
}

// Callback serves GET /external-auth/{externalauth}/callback, to which the
// provider sends the browser back. Opened without what a provider adds, it leads to
// the page: a link alone begins nothing.
func (s *Service) Callback(a *httpapi.API) http.Handler {
	p := newPages(s, a)
	return p.serve(p.finish)
}

// Start serves POST /external-auth/{externalauth}/start, by which the page begins a
// sign-in: the answer has the url to go to.
func (s *Service) Start(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := s.Begin(r.Context(), chi.URLParam(r, "externalauth"), httpmw.KeyID(r.Context()), r.URL.Query().Get("redirect"))
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		httpapi.WriteJSON(w, http.StatusOK, map[string]string{"url": to})
	})
}

func newPages(s *Service, a *httpapi.API) *pages {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return &pages{s: s, a: a, html: template.Must(template.New("page").Parse(pageHTML)),
		csp: "default-src 'none'; connect-src 'self'; style-src " + hash(pageCSS) + "; script-src " + hash(pageJS) +
			"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
}

// serve finds out who looks at a page and shows what f returns. Nobody who is not
// signed in learns which providers there are.
func (p *pages) serve(f func(ctx context.Context, w http.ResponseWriter, r *http.Request, id string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := chi.URLParam(r, "externalauth")
		ctx, err := p.a.Readmit(r)
		if err == nil {
			err = f(ctx, w, r, id)
		}
		switch {
		case err == nil:
		case api.CodeOf(err) == api.CodeUnauthenticated:
			p.write(w, http.StatusUnauthorized, page{ID: id, Title: "Sign in to Coder", Login: true})
		default:
			p.fail(r.Context(), w, id, err)
		}
	})
}

// fail shows an error with the way to begin again.
func (p *pages) fail(ctx context.Context, w http.ResponseWriter, id string, err error) {
	var e *api.Error
	if !errors.As(err, &e) || e.Code == "" {
		p.s.log.ErrorContext(ctx, "request failed", "request_id", httpapi.RequestID(ctx).String(), "error", err)
		e = &api.Error{Code: api.CodeInternal, Message: "An internal error occurred. Ask an administrator to look for the request id in the server's log.",
			Detail: httpapi.RequestID(ctx).String()}
	}
	v := page{ID: id, Title: "Not signed in", Message: e.Message, Detail: e.Detail}
	if p.s.provider(id) != nil {
		v.Back, v.BackText = p.path(id), "Begin again"
	}
	p.write(w, httpapi.Status(e.Code), v)
}

// show is the page of a provider.
func (p *pages) show(ctx context.Context, w http.ResponseWriter, r *http.Request, id string) error {
	pr, caller, err := p.s.find(ctx, id, rbac.ReadPersonal)
	if err != nil {
		return err
	}
	redirect := r.URL.Query().Get("redirect")
	if !local(redirect) {
		redirect = ""
	}
	v := page{ID: id, Redirect: redirect, Title: "Sign in to " + pr.DisplayName,
		Message: "Workspaces of " + caller.Username + " will act at " + pr.DisplayName + " as the account that you sign in with."}
	h, account, err := p.s.checked(ctx, pr, caller.UserID, true)
	if err != nil {
		return err
	}
	again := ""
	if h != nil {
		v.Title, again = "Signed in to "+pr.DisplayName, " again"
		v.Message = "You can close this page."
		if account != nil && account.Login != "" {
			v.Message = "You are signed in as " + account.Login + ". " + v.Message
		}
		v.Unlink = "Sign out of " + pr.DisplayName
	}
	if pr.ClientSecret != "" {
		v.Begin = "Sign in" + again + " at " + pr.DisplayName
	}
	if pr.DeviceFlow {
		v.Device = "Sign in" + again + " with a code"
	}
	if h != nil && pr.AppInstallURL != "" {
		v.Back, v.BackText = pr.AppInstallURL, "Choose where the app is installed"
	}
	p.write(w, http.StatusOK, v)
	return nil
}

// finish is the way back from a provider.
func (p *pages) finish(ctx context.Context, w http.ResponseWriter, r *http.Request, id string) error {
	q := r.URL.Query()
	back := returned{code: q.Get("code"), state: q.Get("state"), failure: q.Get("error"), reason: q.Get("error_description")}
	to := p.path(id)
	if back.code == "" && back.state == "" && back.failure == "" {
		if redirect := q.Get("redirect"); redirect != "" && local(redirect) {
			to += "?redirect=" + template.URLQueryEscaper(redirect)
		}
	} else {
		redirect, err := p.s.Finish(ctx, id, httpmw.KeyID(ctx), back)
		if err != nil {
			return err
		}
		if redirect != "" {
			to = p.base() + redirect
		}
	}
	p.headers(w)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (p *pages) base() string { return strings.TrimRight(p.s.opts.AccessURL.Path, "/") }

func (p *pages) path(id string) string { return p.base() + "/external-auth/" + id }

func (p *pages) headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // without one, a browser does not name the origin of what the page asks
	h.Set("Cache-Control", "no-store")
}

func (p *pages) write(w http.ResponseWriter, status int, v page) {
	v.Base, v.Style, v.Script = p.base(), template.CSS(pageCSS), template.JS(pageJS) //nolint:gosec // ours
	var b bytes.Buffer
	if err := p.html.Execute(&b, v); err != nil {
		p.s.log.Error("page failed", "error", err)
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	p.headers(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: nobody is left to tell
}
