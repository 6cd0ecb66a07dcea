package apps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
)

// LoginPath is the page to sign in at.
const LoginPath = "/login"

// AuthRedirect serves GET /applications/auth-redirect: it leads whoever is signed in
// back to the application, with a ticket for its origin. Without a state, by which
// the browser shows that it asked, there is none: the application asks then.
func (s *Service) AuthRedirect(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		to, visit, err := s.opts.Sites.ParseURL(q.Get("redirect_uri"))
		if err != nil {
			a.WriteError(w, r, api.Invalid("redirect_uri", err.Error()+"."))
			return
		}
		ctx, err := a.Readmit(r)
		if api.CodeOf(err) == api.CodeUnauthenticated {
			leave(w, r, LoginPath+"?redirect="+url.QueryEscape(r.URL.RequestURI()))
			return
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		state := q.Get("state")
		if len(state) > 64 {
			a.WriteError(w, r, api.Invalid("state", "at most 64 characters are taken."))
			return
		}
		address, several, err := s.goal(ctx, to, visit, state)
		switch {
		case api.CodeOf(err) == api.CodeNotFound:
			s.noSuchApp(ctx).Write(w, r)
		case err != nil:
			a.WriteError(w, r, err)
		case several != nil:
			several.Write(w, r)
		default:
			leave(w, r, address)
		}
	})
}

// goal is where auth-redirect leads.
func (s *Service) goal(ctx context.Context, to *url.URL, visit devurl.Visit, state string) (string, *devurl.Page, error) {
	if visit.Old() {
		return s.leadOld(ctx, visit, to.EscapedPath(), to.RawQuery)
	}
	err := s.lead(ctx, to, visit, state)
	return to.String(), nil, err
}

// lead puts a ticket into the URL, if the caller may go there.
func (s *Service) lead(ctx context.Context, to *url.URL, visit devurl.Visit, state string) error {
	subject, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if _, err := s.place(ctx, visit, caller{subject, true}); err != nil || state == "" {
		return err
	}
	ticket, err := s.ticket(ctx, subject, httpmw.KeyID(ctx), visit.Origin, state)
	if err != nil {
		return err
	}
	if to.RawQuery != "" {
		to.RawQuery += "&"
	}
	to.RawQuery += devurl.TicketParam + "=" + url.QueryEscape(ticket)
	return nil
}

func (s *Service) noSuchApp(ctx context.Context) devurl.Page {
	who := "you"
	if subject, err := rbac.Caller(ctx); err == nil {
		who = subject.Username
	}
	return devurl.Page{Status: http.StatusNotFound, Title: "There is no such application", Text: []string{
		fmt.Sprintf("It does not exist, or is not shared with %s. Ask the owner of the workspace to share it.", who)},
		Action: s.opts.Sites.Access.String(), Button: "To the server"}
}

// leave redirects without telling where from.
func leave(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusTemporaryRedirect)
}

// maxForm bounds the forms of our pages, in bytes.
const maxForm = 16 << 10

// ownForm refuses forms that another origin's page has sent.
func (s *Service) ownForm(w http.ResponseWriter, r *http.Request) error {
	if err := httpmw.NewPages(s.opts.Sites.Access, false).Proven(r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return api.Invalid("body", "it is no form, or too long.")
	}
	return nil
}

// backTo is where somebody goes after they have signed in: to an application, by way
// of auth-redirect, or to the front page.
func backTo(text string) string {
	if strings.HasPrefix(text, devurl.RedirectPath+"?") || strings.HasPrefix(text, devurl.StartPath+"?") {
		return text
	}
	return "/"
}

// LoginPage serves GET /login.
func (s *Service) LoginPage(*httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.loginPage(backTo(r.URL.Query().Get("redirect")), "", "", http.StatusOK).Write(w, r)
	})
}

func (s *Service) loginPage(back, email, problem string, status int) devurl.Page {
	origin := ""
	if u, err := url.Parse(back); err == nil {
		if _, visit, err := s.opts.Sites.ParseURL(u.Query().Get("redirect_uri")); err == nil {
			origin = visit.Origin
		}
	}
	return devurl.Page{Status: status, Title: "Sign in", Problem: problem, FormOrigin: origin, Action: LoginPath, Button: "Sign in", Fields: []devurl.Field{
		{Name: "email", Label: "E-mail", Type: "email", Value: email, Complete: "username"},
		{Name: "password", Label: "Password", Type: "password", Complete: "current-password"},
		{Name: "redirect", Type: "hidden", Value: back}}}
}

// Login serves POST /login, the form of the page.
func (s *Service) Login(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.ownForm(w, r); err != nil {
			a.WriteError(w, r, err)
			return
		}
		back, email := backTo(r.PostForm.Get("redirect")), r.PostForm.Get("email")
		res, err := s.opts.Auth.Login(r.Context(), api.LoginRequest{Email: email, Password: api.Secret(r.PostForm.Get("password"))})
		var known *api.Error
		switch {
		case err == nil:
			w.Header().Set("Set-Cookie", s.opts.Auth.Cookie(res.SessionToken))
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, back, http.StatusSeeOther)
		case errors.As(err, &known) && known.Code != "":
			s.loginPage(back, email, known.Message, httpapi.Status(known.Code)).Write(w, r)
		default:
			a.WriteError(w, r, err)
		}
	})
}

// start is what a start page is about.
type start struct {
	id           api.ID
	name         string
	back, origin string
}

// startTarget reads it, for those who may start the workspace.
func (s *Service) startTarget(ctx context.Context, q url.Values) (out start, err error) {
	if out.id, err = api.ParseID(q.Get("workspace")); err != nil {
		return out, api.Invalid("workspace", err.Error())
	}
	_, visit, err := s.opts.Sites.ParseURL(q.Get("redirect_uri"))
	if err != nil {
		return out, api.Invalid("redirect_uri", err.Error()+".")
	}
	w, err := s.load(ctx, s.db.Queries, out.id, rbac.Start)
	out.name, out.back, out.origin = w.Name, q.Get("redirect_uri"), visit.Origin
	return out, err
}

// StartPage serves GET /applications/start: it asks whether a workspace is to start.
// A link alone starts nothing.
func (s *Service) StartPage(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := s.startTarget(r.Context(), r.URL.Query())
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		devurl.Page{Status: http.StatusOK, Title: "Start the workspace?", Text: []string{fmt.Sprintf("The workspace %s is stopped. An application in it was asked for.", to.name)},
			Action: devurl.StartPath, Button: "Start " + to.name, FormOrigin: to.origin, Fields: []devurl.Field{
				{Name: "workspace", Type: "hidden", Value: to.id.String()}, {Name: "redirect_uri", Type: "hidden", Value: to.back}}}.Write(w, r)
	})
}

// Start serves POST /applications/start, the form of the page.
func (s *Service) Start(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.ownForm(w, r); err != nil {
			a.WriteError(w, r, err)
			return
		}
		to, err := s.startTarget(r.Context(), r.PostForm)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		_, err = s.opts.Workspaces.CreateBuild(r.Context(), to.id, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
		var known *api.Error
		switch {
		case err == nil:
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, to.back, http.StatusSeeOther)
		case errors.As(err, &known) && known.Code != "":
			text := []string{known.Message}
			for _, v := range known.Validations {
				text = append(text, v.Field+": "+v.Detail)
			}
			devurl.Page{Status: httpapi.Status(known.Code), Title: "The workspace was not started", Text: append(text, "On the command line: coder start "+to.name),
				Action: to.back, Button: "Back"}.Write(w, r)
		default:
			a.WriteError(w, r, err)
		}
	})
}
