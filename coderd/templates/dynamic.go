package templates

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/parameters"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/wsconn"
)

// Limits of the dynamic parameters of one caller.
const (
	maxInputs     = 1000
	maxInputBytes = 2 << 20 // of one request
	previewPing   = 15 * time.Second
	previewMisses = 3
	// firstAnswer is the id of the answer that nobody asked for.
	firstAnswer = -1
	// previewPause bounds how often one connection is answered.
	previewPause = 20 * time.Millisecond
)

// EvaluateInput asks for the parameters with some values.
type EvaluateInput struct {
	Version api.ID `path:"templateversion"`
	Body    api.DynamicParametersRequest
}

// HandleEvaluate answers POST …/dynamic-parameters/evaluate.
func (s *Service) HandleEvaluate(ctx context.Context, in *EvaluateInput) (*httpapi.Out[api.DynamicParametersResponse], error) {
	v, err := s.version(ctx, rbac.Read, in.Version)
	if err != nil {
		return nil, err
	}
	return httpapi.Reply(s.preview(ctx, v, in.Body))
}

// preview evaluates a version that the caller may read.
func (s *Service) preview(ctx context.Context, v database.TemplateVersion, req api.DynamicParametersRequest) (api.DynamicParametersResponse, error) {
	owner, err := s.checkPreviewOwner(ctx, v.OrganizationID, req.OwnerID)
	if err != nil {
		return api.DynamicParametersResponse{}, err
	}
	if err := checkInputs(req.Inputs); err != nil {
		return api.DynamicParametersResponse{}, err
	}
	r, err := s.Evaluate(ctx, s.opts.DB.Queries, EvaluateParams{Version: v, Owner: owner, Values: req.Inputs, FirstBuild: true})
	if err != nil {
		return api.DynamicParametersResponse{}, err
	}
	return answer(req.ID, r), nil
}

func answer(id int, r parameters.Result) api.DynamicParametersResponse {
	return api.DynamicParametersResponse{ID: id, Parameters: r.Parameters, Diagnostics: r.Diagnostics}
}

func checkInputs(inputs map[string]string) error {
	if len(inputs) > maxInputs {
		return api.Invalid("inputs", fmt.Sprintf("has %d entries, at most %d are allowed.", len(inputs), maxInputs))
	}
	size := 0
	for name, value := range inputs {
		size += len(name) + len(value)
	}
	if size > maxInputBytes {
		return api.Invalid("inputs", fmt.Sprintf("all values together are larger than %d bytes.", maxInputBytes))
	}
	return nil
}

// DynamicHandler serves GET …/dynamic-parameters: a websocket on which the
// client says what people have answered and hears what the parameters are then.
// The first answer, with the id -1, needs no question. A question that is
// overtaken by a newer one gets no answer.
func (s *Service) DynamicHandler(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, first, err := s.openPreview(r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: maxInputBytes * 2})
		if err != nil {
			return // answered already
		}
		readmit := a.Recheck(r, func(again context.Context) error {
			if _, err := s.version(again, rbac.Read, v.ID); err != nil {
				return err
			}
			_, err := s.checkPreviewOwner(again, v.OrganizationID, first.OwnerID)
			return err
		})
		s.serveParameters(r.Context(), ws, v, first, readmit)
	})
}

// openPreview checks a request before it becomes a websocket.
func (s *Service) openPreview(r *http.Request) (database.TemplateVersion, api.DynamicParametersRequest, error) {
	first := api.DynamicParametersRequest{ID: firstAnswer}
	id, err := api.ParseID(chi.URLParam(r, "templateversion"))
	if err != nil {
		return database.TemplateVersion{}, first, api.Invalid("templateversion", err.Error())
	}
	v, err := s.version(r.Context(), rbac.Read, id)
	if err != nil {
		return v, first, err
	}
	if user := r.URL.Query().Get("user_id"); user != "" && user != api.Me {
		if first.OwnerID, err = api.ParseID(user); err != nil {
			return v, first, api.Invalid("user_id", err.Error())
		}
	}
	first.OwnerID, err = s.checkPreviewOwner(r.Context(), v.OrganizationID, first.OwnerID)
	return v, first, err
}

// serveParameters answers until the connection, or the right to it, ends.
func (s *Service) serveParameters(ctx context.Context, ws *wsconn.Conn, v database.TemplateVersion, req api.DynamicParametersRequest, readmit func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{}, 3)
	newest := make(chan api.DynamicParametersRequest, 1)
	go func() {
		readNewest(ctx, ws, newest)
		cancel()
		done <- struct{}{}
	}()
	go func() {
		_ = ws.Ping(ctx, previewPing, previewMisses, nil) // a silent peer ends the read above
		done <- struct{}{}
	}()
	go func() {
		if httpapi.UntilRevoked(ctx, s.opts.Clock, readmit) != nil {
			_ = ws.Close(wsconn.CodePolicy, "you may no longer use this template")
			cancel()
		}
		done <- struct{}{}
	}()
	owner := req.OwnerID
	for ctx.Err() == nil {
		if req.OwnerID.IsZero() {
			req.OwnerID = owner
		}
		res, err := s.preview(ctx, v, req)
		if ctx.Err() != nil {
			break // the peer has gone while we worked: nobody's fault
		}
		if err != nil {
			res = api.DynamicParametersResponse{ID: req.ID, Parameters: []api.PreviewParameter{}, Diagnostics: []api.Diagnostic{s.diagnosticOf(err)}}
		}
		if ws.Write(ctx, res) != nil {
			break
		}
		pause := time.NewTimer(previewPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
		select {
		case req = <-newest:
		case <-ctx.Done():
		}
	}
	_ = ws.Close(wsconn.CodeNormal, "") // the peer has gone, or the server stops
	cancel()
	_ = ws.CloseNow()
	for range cap(done) {
		<-done
	}
}

// readNewest keeps the newest question in the channel.
func readNewest(ctx context.Context, ws *wsconn.Conn, newest chan api.DynamicParametersRequest) {
	for {
		var req api.DynamicParametersRequest
		if err := ws.Read(ctx, &req); err != nil {
			return
		}
		select {
		case <-newest: // overtaken
		default:
		}
		newest <- req
	}
}

// diagnosticOf tells the client about an error in the words that it may see.
func (s *Service) diagnosticOf(err error) api.Diagnostic {
	d := api.Diagnostic{Severity: api.DiagnosticError, Summary: "The parameters could not be evaluated."}
	if api.CodeOf(err) != "" {
		d.Detail = err.Error()
	} else {
		s.log.Error("evaluating parameters failed", "error", err)
	}
	return d
}
