package httpapi

import (
	"net/http"
	"reflect"
	"regexp"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"coder.internal/api"
)

// Raw describes what a route of Handle takes and answers; typed routes say it by
// their types. Zero fields mean: none.
type Raw struct {
	// Doc is a sentence or two beside the summary.
	Doc   string
	Query []Param
	// Body are the content types of the request's body, any bytes.
	Body    []string
	Answers []Answer
	// Socket is set where the route answers with a websocket.
	Socket *Socket
}

// Param is one value of the query string. Of gives its type, text by default.
type Param struct {
	Name, Doc string
	Of        any
	Required  bool
	Enum      []string
}

// Answer is one way to answer. Of is the type of a JSON body; nil means bytes of
// the content type, or no body where that is empty too.
type Answer struct {
	Status int // zero is 200
	Type   string
	Of     any
	Doc    string
}

// Socket says which JSON messages go over a websocket. nil is bytes or nothing, as
// the route's Doc says.
type Socket struct {
	Client, Server any
}

// Security schemes of the document.
const (
	schemeSession = "CoderSessionToken"
	schemeCookie  = "CoderSessionCookie"
	schemeAgent   = "AgentToken"
	schemeKey     = "ProvisionerKey"
	schemePSK     = "ProvisionerPSK"
)

func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		schemeSession: {Type: "apiKey", In: "header", Name: api.SessionTokenHeader,
			Description: "The token of a session, as login answers it, or an API token."},
		schemeCookie: {Type: "apiKey", In: "cookie", Name: api.SessionTokenCookie,
			Description: "The same in browsers. Requests that change something must come from the deployment's own pages."},
		schemeAgent: {Type: "apiKey", In: "header", Name: api.SessionTokenHeader,
			Description: "The token of a workspace agent. It opens the routes of agents only."},
		schemeKey: {Type: "apiKey", In: "header", Name: api.ProvisionerKeyHeader,
			Description: "The key of a provisioner daemon."},
		schemePSK: {Type: "apiKey", In: "header", Name: api.ProvisionerPSKHeader,
			Description: "The pre-shared key of provisioner daemons, where the server has one."},
	}
}

// security lists what opens a route, one of them each.
func security(r Route) []map[string][]string {
	var names []string
	switch {
	case r.Rule.IsPublic():
		return []map[string][]string{}
	case r.Rule.IsAgent():
		names = []string{schemeAgent}
	case r.Rule.IsDaemon():
		names = []string{schemeKey, schemePSK, schemeSession, schemeCookie}
	default:
		names = []string{schemeSession, schemeCookie}
	}
	out := make([]map[string][]string, len(names))
	for i, n := range names {
		out[i] = map[string][]string{n: {}}
	}
	return out
}

// Document returns the description of all routes. raw has those of Handle, by
// method and path; missing are the routes that it lacks, strange the entries that
// no route has. It is for programs that serve nothing.
func (a *API) Document(raw map[string]Raw) (doc *huma.OpenAPI, missing, strange []string) {
	doc = a.huma.OpenAPI()
	used := map[string]bool{}
	for _, r := range a.routes {
		op := operationOf(doc.Paths[r.Path], r.Method)
		if op == nil {
			d, ok := raw[r.Method+" "+r.Path]
			if !ok {
				missing = append(missing, r.Method+" "+r.Path)
				continue
			}
			used[r.Method+" "+r.Path] = true
			op = rawOperation(doc, r, d)
			doc.AddOperation(op)
		}
		op.Security = security(r)
		op.Description = describe(r, raw[r.Method+" "+r.Path].Doc)
		addErrors(doc, op, r)
	}
	for name := range raw {
		if !used[name] {
			strange = append(strange, name)
		}
	}
	return doc, missing, strange
}

func operationOf(p *huma.PathItem, method string) *huma.Operation {
	if p == nil {
		return nil
	}
	switch method {
	case http.MethodGet:
		return p.Get
	case http.MethodPost:
		return p.Post
	case http.MethodPut:
		return p.Put
	case http.MethodPatch:
		return p.Patch
	case http.MethodDelete:
		return p.Delete
	case http.MethodHead:
		return p.Head
	}
	return nil
}

func describe(r Route, doc string) string {
	if doc != "" {
		doc += "\n\n"
	}
	return doc + "Requires: " + r.Rule.String() + "."
}

var placeholders = regexp.MustCompile(`\{([^}]+)\}`)

func rawOperation(doc *huma.OpenAPI, r Route, d Raw) *huma.Operation {
	op := &huma.Operation{OperationID: operationID(r), Method: r.Method, Path: r.Path, Summary: r.Summary,
		Tags: []string{r.Tag}, Responses: map[string]*huma.Response{}}
	for _, m := range placeholders.FindAllStringSubmatch(r.Path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, q := range d.Query {
		p := &huma.Param{Name: q.Name, In: "query", Description: q.Doc, Required: q.Required, Schema: schemaOf(doc, q.Of)}
		if p.Schema == nil {
			p.Schema = &huma.Schema{Type: huma.TypeString}
		}
		for _, e := range q.Enum {
			p.Schema.Enum = append(p.Schema.Enum, e)
		}
		op.Parameters = append(op.Parameters, p)
	}
	if len(d.Body) > 0 {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, t := range d.Body {
			op.RequestBody.Content[t] = &huma.MediaType{Schema: bytesOf(t)}
		}
	}
	for _, an := range d.Answers {
		addAnswer(doc, op, an)
	}
	if d.Socket != nil {
		op.Responses["101"] = &huma.Response{Description: "A websocket. See x-websocket for its messages."}
		op.Extensions = map[string]any{"x-websocket": map[string]any{
			"client": messageOf(doc, d.Socket.Client), "server": messageOf(doc, d.Socket.Server)}}
	}
	return op
}

func addAnswer(doc *huma.OpenAPI, op *huma.Operation, an Answer) {
	status := an.Status
	if status == 0 {
		status = http.StatusOK
	}
	key := strconv.Itoa(status)
	res := op.Responses[key]
	if res == nil {
		res = &huma.Response{Description: http.StatusText(status)}
		op.Responses[key] = res
	}
	if an.Doc != "" {
		res.Description = an.Doc
	}
	if an.Type == "" && an.Of != nil {
		an.Type = "application/json"
	}
	if an.Type == "" {
		return
	}
	if res.Content == nil {
		res.Content = map[string]*huma.MediaType{}
	}
	schema := schemaOf(doc, an.Of)
	if schema == nil {
		schema = bytesOf(an.Type)
	}
	res.Content[an.Type] = &huma.MediaType{Schema: schema}
}

func schemaOf(doc *huma.OpenAPI, v any) *huma.Schema {
	if v == nil {
		return nil
	}
	return doc.Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// bytesOf is the schema of a body that is no JSON of ours.
func bytesOf(contentType string) *huma.Schema {
	if contentType == "application/json" {
		return &huma.Schema{}
	}
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"contentMediaType": contentType}}
}

func messageOf(doc *huma.OpenAPI, v any) any {
	if v == nil {
		return nil
	}
	return schemaOf(doc, v)
}

// addErrors lists the failures that a route can answer, all with one body.
func addErrors(doc *huma.OpenAPI, op *huma.Operation, r Route) {
	failure := schemaOf(doc, api.Error{})
	add := func(status int, text string) {
		key := strconv.Itoa(status)
		if op.Responses[key] == nil {
			op.Responses[key] = &huma.Response{Description: text,
				Content: map[string]*huma.MediaType{"application/json": {Schema: failure}}}
		}
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	if len(op.Parameters) > 0 || op.RequestBody != nil {
		add(http.StatusBadRequest, "A value is not valid; validations name the fields.")
	}
	if op.RequestBody != nil {
		add(http.StatusRequestEntityTooLarge, "The body is too large.")
	}
	if !r.Rule.IsPublic() {
		add(http.StatusUnauthorized, "The credential is missing, unknown or expired.")
	}
	if r.Rule.IsNeeds() {
		add(http.StatusForbidden, "The caller may see this and may not do it.")
	}
	if placeholders.MatchString(r.Path) {
		add(http.StatusNotFound, "It does not exist, or the caller may not know of it.")
	}
	if op.Responses["default"] == nil {
		op.Responses["default"] = &huma.Response{Description: "Any other failure.",
			Content: map[string]*huma.MediaType{"application/json": {Schema: failure}}}
	}
}
