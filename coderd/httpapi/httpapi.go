// Package httpapi turns typed functions into HTTP endpoints and errors into
// responses. It is the only place that picks a status code.
//
// A route is registered with its method, path, summary and rule (coderd/rbac);
// one without a rule panics at start. The rule is enforced before any input is
// read. From the same registration comes the OpenAPI 3.1 document.
//
// It never knows a product noun, a table or a policy.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// Guard authenticates one request and returns its context with the caller in it.
// ErrUnauthenticated-like errors go to the client as they are.
type Guard func(r *http.Request) (context.Context, error)

// Limiter bounds how often a route may be asked. Admit sets headers that say how
// often, and returns an error of CodeRateLimited for the one that is too much.
type Limiter interface {
	Admit(ctx context.Context, w http.ResponseWriter, r *http.Request, route Route) error
}

// Options configure New. All fields but Limiter are required.
type Options struct {
	Version string
	Log     *slog.Logger
	// Session admits people, by session token or API key.
	Session Guard
	// Agent admits workspace agents by their token.
	Agent Guard
	// Daemon admits provisioner daemons.
	Daemon Guard
	// Limiter is asked for each request below /api that is not an agent's or a
	// daemon's; nil is no limit.
	Limiter Limiter
}

// Route describes an endpoint. Path may hold {placeholders}.
type Route struct {
	Method  string
	Path    string
	Summary string
	Tag     string
	Rule    rbac.Rule
	// Status of success; zero means 200.
	Status int
	// MaxBody in bytes; zero means DefaultMaxBody.
	MaxBody int64
}

// DefaultMaxBody bounds JSON request bodies.
const DefaultMaxBody = 1 << 20

// API collects routes on one router. Use New.
type API struct {
	opts   Options
	router chi.Router
	huma   huma.API
	routes []Route
}

// New returns an API that registers on router.
func New(router chi.Router, opts Options) *API {
	if opts.Session == nil || opts.Agent == nil || opts.Daemon == nil || opts.Log == nil {
		panic("httpapi: Options needs Session, Agent, Daemon and Log")
	}
	cfg := huma.DefaultConfig("Coder API", strings.TrimPrefix(opts.Version, "v"))
	// Responses carry our shapes only: no $schema field, no docs pages.
	cfg.CreateHooks = nil
	cfg.DocsPath, cfg.SchemasPath, cfg.OpenAPIPath = "", "", ""
	cfg.Formats = map[string]huma.Format{}
	for name, f := range huma.DefaultFormats {
		cfg.Formats[name] = huma.Format{Marshal: f.Marshal, Unmarshal: decode}
	}
	// Clients of a newer release may send fields that we do not know yet.
	cfg.AllowAdditionalPropertiesByDefault = true
	cfg.Components.SecuritySchemes = securitySchemes()
	a := &API{opts: opts, router: router}
	cfg.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[api.ID](), reflect.TypeFor[uuid]())
	a.huma = humachi.New(router, cfg)
	useOurErrors()
	return a
}

// Routes returns what has been registered, in order.
func (a *API) Routes() []Route { return a.routes }

// Register adds a typed endpoint. The input struct has fields tagged path, query
// or header and a field Body; the output struct has a field Body.
func Register[I, O any](a *API, r Route, h func(context.Context, *I) (*O, error)) {
	a.note(r)
	op := huma.Operation{
		OperationID:  operationID(r),
		Method:       r.Method,
		Path:         r.Path,
		Summary:      r.Summary,
		Tags:         []string{r.Tag},
		MaxBodyBytes: DefaultMaxBody,
		Middlewares:  huma.Middlewares{a.enforce(r)},
	}
	if r.Status != 0 {
		op.DefaultStatus = r.Status
	}
	if r.MaxBody != 0 {
		op.MaxBodyBytes = r.MaxBody
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.toResponse(ctx, err)
		}
		return out, nil
	})
}

// Handle adds a raw endpoint: streams, downloads, uploads, websockets. The
// handler reports errors through WriteError.
func (a *API) Handle(r Route, h http.Handler) {
	a.note(r)
	a.router.Method(r.Method, r.Path, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, err := a.admit(w, req, r)
		if err != nil {
			a.WriteError(w, req, err)
			return
		}
		h.ServeHTTP(w, req.WithContext(ctx))
	}))
}

func (a *API) note(r Route) {
	if !r.Rule.Valid() {
		panic("httpapi: route " + r.Method + " " + r.Path + " declares no rule")
	}
	a.routes = append(a.routes, r)
}

// enforce applies the rule before huma reads the input.
func (a *API) enforce(r Route) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		req, w := humachi.Unwrap(hc)
		ctx, err := a.admit(w, req, r)
		if err != nil {
			a.WriteError(w, req, err)
			return
		}
		// Typed endpoints take JSON alone, and the reference does not look at the
		// type either: curl -d without a header has to work.
		if req.Header.Get("Content-Type") != "" || req.ContentLength != 0 {
			req.Header.Set("Content-Type", "application/json")
		}
		next(huma.WithContext(hc, ctx))
	}
}

// admit applies the rule, then the limit. Who is refused by the rule counts too, as
// the source that they come from.
func (a *API) admit(w http.ResponseWriter, req *http.Request, r Route) (context.Context, error) {
	ctx, err := a.authenticate(req, r.Rule)
	if a.opts.Limiter == nil || r.Rule.IsAgent() || r.Rule.IsDaemon() || !strings.HasPrefix(r.Path, "/api/") {
		return ctx, err
	}
	who := ctx
	if err != nil {
		who = req.Context()
	}
	if over := a.opts.Limiter.Admit(who, w, req, r); over != nil {
		return nil, over
	}
	return ctx, err
}

func (a *API) authenticate(req *http.Request, rule rbac.Rule) (context.Context, error) {
	switch {
	case rule.IsPublic():
		return req.Context(), nil
	case rule.IsAgent():
		return a.opts.Agent(req)
	case rule.IsDaemon():
		return a.opts.Daemon(req)
	}
	return a.opts.Session(req)
}

// Readmit authenticates a request again. Streams call it while they are open, so
// that they end when the caller's key or rights do.
func (a *API) Readmit(req *http.Request) (context.Context, error) {
	return a.opts.Session(req)
}

// ReadmitDaemon is Readmit for routes of provisioner daemons.
func (a *API) ReadmitDaemon(req *http.Request) (context.Context, error) {
	return a.opts.Daemon(req)
}

// operationID makes names like "getUser" unique and stable: "get-users-user".
func operationID(r Route) string {
	p, inAPI := strings.CutPrefix(r.Path, "/api/v2")
	if !inAPI { // pages may have the names of routes
		p = "/root" + p
	}
	p = strings.NewReplacer("{", "", "}", "", "@", "").Replace(p)
	return strings.ToLower(r.Method) + strings.ReplaceAll(p, "/", "-")
}

// Out is the output of a typed endpoint with a JSON body.
type Out[T any] struct {
	Body T
}

// OK wraps a body.
func OK[T any](body T) *Out[T] { return &Out[T]{Body: body} }

// Reply is OK for what a service returned.
func Reply[T any](body T, err error) (*Out[T], error) {
	if err != nil {
		return nil, err
	}
	return OK(body), nil
}

// Empty is the output of an endpoint without a body (status 204).
type Empty struct{}

// uuid describes an api.ID, so that a malformed one is refused by the name of
// its field and not of the whole body.
type uuid string

// Schema implements huma.SchemaProvider.
func (uuid) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}
