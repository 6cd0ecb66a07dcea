package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"coder.internal/api"
)

// Status returns the HTTP status of an error code.
func Status(c api.Code) int {
	switch c {
	case api.CodeInvalid:
		return http.StatusBadRequest
	case api.CodeUnauthenticated:
		return http.StatusUnauthorized
	case api.CodeForbidden:
		return http.StatusForbidden
	case api.CodeNotFound:
		return http.StatusNotFound
	case api.CodeConflict:
		return http.StatusConflict
	case api.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case api.CodeUnsupported:
		return http.StatusUnsupportedMediaType
	case api.CodeRateLimited:
		return http.StatusTooManyRequests
	case api.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// response is an api.Error on its way out; huma asks it for the status.
type response struct {
	body   *api.Error
	status int
}

func (r *response) Error() string { return r.body.Message }

// GetStatus implements huma.StatusError.
func (r *response) GetStatus() int { return r.status }

// GetHeaders implements huma.HeadersError.
func (r *response) GetHeaders() http.Header {
	h := http.Header{}
	if r.body.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(r.body.RetryAfter.Seconds())), 10))
	}
	return h
}

// MarshalJSON makes the error itself the body.
func (r *response) MarshalJSON() ([]byte, error) { return json.Marshal(r.body) }

// ContentType makes huma answer plain JSON instead of problem+json.
func (r *response) ContentType(string) string { return "application/json" }

// Schema shows failures as api.Error in the description.
func (r *response) Schema(reg huma.Registry) *huma.Schema {
	return reg.Schema(reflect.TypeFor[api.Error](), true, "Error")
}

type requestIDKey struct{}

// WithRequestID stores the id that error bodies and logs carry.
func WithRequestID(ctx context.Context, id api.ID) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id of the request, zero outside of one.
func RequestID(ctx context.Context) api.ID {
	id, _ := ctx.Value(requestIDKey{}).(api.ID)
	return id
}

// toResponse gives err its status. An error without a code is ours: its text
// goes to the log and the client gets the request id to quote.
func (a *API) toResponse(ctx context.Context, err error) *response {
	var e *api.Error
	if errors.As(err, &e) && e.Code != "" {
		out := *e
		if e.Code == api.CodeInternal {
			out.RequestID = RequestID(ctx).String()
		}
		return &response{body: &out, status: Status(e.Code)}
	}
	if isUnstorable(err) {
		return &response{status: http.StatusBadRequest, body: &api.Error{Code: api.CodeInvalid,
			Message: "The request holds a character that cannot be stored (NUL). Remove it."}}
	}
	if ctx.Err() != nil {
		return &response{status: 499, body: &api.Error{Code: api.CodeUnavailable, Message: "The request was cancelled."}}
	}
	if body := trouble(err); body != nil {
		body.RequestID = RequestID(ctx).String()
		// The database itself logs its state once for all requests.
		a.opts.Log.LogAttrs(ctx, slog.LevelDebug, "request refused, the database is in trouble",
			slog.String("request_id", body.RequestID), slog.String("error", err.Error()))
		return &response{status: http.StatusServiceUnavailable, body: body}
	}
	a.opts.Log.LogAttrs(ctx, slog.LevelError, "request failed",
		slog.String("request_id", RequestID(ctx).String()), slog.String("error", err.Error()))
	return &response{status: http.StatusInternalServerError, body: &api.Error{
		Code:      api.CodeInternal,
		Message:   "An internal error occurred. Ask an administrator to look for the request id in the server's log.",
		RequestID: RequestID(ctx).String(),
	}}
}

// isUnstorable reports whether the database refused text for its characters.
// JSON and URLs can carry NUL, which no text column takes; checking each field of
// each request would only repeat what the database knows.
func isUnstorable(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	return state.SQLState() == "22021" || state.SQLState() == "22P05"
}

// WriteError answers req with err; raw handlers use it before they write.
func (a *API) WriteError(w http.ResponseWriter, req *http.Request, err error) {
	res := a.toResponse(req.Context(), err)
	maps.Copy(w.Header(), res.GetHeaders())
	WriteJSON(w, res.status, res.body)
}

// WriteJSON writes v as the whole response.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(true)
	_ = enc.Encode(v) // the client is gone: nobody is left to tell
}

// failedValidation is what huma says above the list of what is wrong.
const failedValidation = "validation failed"

// useOurErrors makes huma's own failures (bad JSON, a value of the wrong type,
// a body over the limit) speak our error vocabulary. The hook is a variable of
// the library, so it is set once, before anything reads it.
var useOurErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		if status == http.StatusRequestEntityTooLarge {
			return &response{body: tooLarge(msg), status: status}
		}
		e := &api.Error{Code: codeOf(status), Message: sentence(msg)}
		for _, err := range errs {
			if err == nil {
				continue
			}
			v := api.ValidationError{Detail: err.Error()}
			var d huma.ErrorDetailer
			if errors.As(err, &d) {
				v.Detail = d.ErrorDetail().Message
				v.Field = fieldName(d.ErrorDetail().Location, v.Detail)
			}
			v.Detail = plain(v.Detail)
			e.Validations = append(e.Validations, v)
		}
		if len(e.Validations) == 1 && msg == failedValidation {
			return &response{body: api.Invalid(e.Validations[0].Field, e.Validations[0].Detail), status: Status(e.Code)}
		}
		return &response{body: e, status: Status(e.Code)}
	}
})

// tooLarge says in our words that a body is over its limit, which the library tells
// at the end of its sentence.
func tooLarge(msg string) *api.Error {
	detail := "Send less."
	_, limit, found := strings.Cut(msg, "limit=")
	if n, err := strconv.ParseInt(strings.TrimSuffix(limit, " bytes"), 10, 64); found && err == nil {
		detail = fmt.Sprintf("Send at most %d bytes.", n)
		if n%(1<<20) == 0 {
			detail = fmt.Sprintf("Send at most %d MiB.", n>>20)
		}
	}
	return &api.Error{Code: api.CodeTooLarge, Message: "The body of the request is too large. " + detail,
		Validations: []api.ValidationError{{Field: "body", Detail: detail}}}
}

func codeOf(status int) api.Code {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return api.CodeTooLarge
	case http.StatusUnsupportedMediaType:
		return api.CodeUnsupported
	case http.StatusNotFound:
		return api.CodeNotFound
	}
	if status >= http.StatusInternalServerError {
		return api.CodeInternal
	}
	return api.CodeInvalid
}

// fieldName turns huma's location "body.name" into the name a person typed. Of
// a missing field huma says where it should be, and its name in the detail.
func fieldName(location, detail string) string {
	if rest, ok := strings.CutPrefix(detail, "expected required property "); ok {
		name, _, _ := strings.Cut(rest, " ")
		location += "." + name
	}
	for _, p := range []string{"body.", "path.", "query.", "header."} {
		if rest, ok := strings.CutPrefix(location, p); ok {
			return rest
		}
	}
	return location
}

func sentence(msg string) string {
	if msg == "" || msg == failedValidation {
		return "The request is not valid; see the fields named."
	}
	return strings.ToUpper(msg[:1]) + msg[1:] + "."
}
