package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/scripts/ha/history"
)

const (
	answerWithin = 12 * time.Second // then the outcome is unknown
	mostTokens   = 12               // of one client at a time
)

// worker is one client. It does one thing at a time, and each thing that it makes
// has a name that was never used before.
type worker struct {
	*storm
	n      int
	c      *client.Client
	rng    *rand.Rand
	made   int
	tokens []token

	// The present workspace; ws.object is "" while there is none.
	ws struct {
		object string
		id     api.ID
		last   api.Transition
	}
}

type token struct {
	name, id string
	key      api.Secret
	again    bool // a delete of it had no answer
}

// try does one thing and writes it down. fill adds what the answer says.
func (w *worker) try(ctx context.Context, op history.Op, do func(context.Context, *history.Op) error) history.Op {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	op.Client, op.Start = w.n, w.record.Now()
	err := do(ctx, &op)
	op.End = w.record.Now()
	op.Outcome, op.Code = judge(err)
	if err != nil {
		op.Error = err.Error()
	}
	w.record.Add(op)
	return op
}

// judge tells what an error means: only what the deployment itself refuses is known
// to have had no effect.
func judge(err error) (history.Outcome, string) {
	if err == nil {
		return history.OK, ""
	}
	var e *api.Error
	if !errors.As(err, &e) {
		return history.Unknown, ""
	}
	switch e.Code {
	case api.CodeInternal, api.CodeUnavailable:
		return history.Unknown, string(e.Code)
	}
	return history.Failed, string(e.Code)
}

func (w *worker) name(kind string) string {
	w.made++
	return fmt.Sprintf("%s-%d-%d", kind, w.n, w.made)
}

// step does one random thing.
func (w *worker) step(ctx context.Context) {
	k := w.rng.IntN(100)
	switch {
	case k < 25 && len(w.tokens) < mostTokens:
		w.createToken(ctx)
	case k < 60 && len(w.tokens) > 0:
		w.onToken(ctx, w.rng.IntN(len(w.tokens)))
	case w.ws.object == "":
		w.createWorkspace(ctx)
	default:
		w.onWorkspace(ctx)
	}
	// A client thinks for a moment; the deployment shares the processors.
	t := time.NewTimer(time.Duration(20+w.rng.IntN(80)) * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// createToken makes a token. Without an answer it asks again, once, as a person
// would.
func (w *worker) createToken(ctx context.Context) {
	name := w.name("token")
	for range 2 {
		var key api.Secret
		op := w.try(ctx, history.Op{Do: history.TokenCreate, Object: name}, func(ctx context.Context, op *history.Op) error {
			res, err := w.c.CreateToken(ctx, "me", api.CreateTokenRequest{TokenName: name})
			key = res.Key
			op.ID, _, _ = strings.Cut(key.Reveal(), "-")
			return err
		})
		if op.Outcome == history.OK {
			w.tokens = append(w.tokens, token{name: name, id: op.ID, key: key})
		}
		if op.Outcome != history.Unknown {
			return
		}
	}
}

// onToken uses a token, looks for its entry in the audit log, or deletes it.
func (w *worker) onToken(ctx context.Context, i int) {
	t := w.tokens[i]
	op := history.Op{Object: t.name, ID: t.id}
	switch k := w.rng.IntN(10); {
	case k < 4:
		w.useToken(ctx, op, t)
	case k < 6:
		op.Do = history.AuditRead
		w.try(ctx, op, func(ctx context.Context, op *history.Op) error {
			got, err := w.auditOf(ctx, t.id)
			op.Number = got
			return err
		})
	default:
		op.Do = history.TokenDelete
		op = w.try(ctx, op, func(ctx context.Context, _ *history.Op) error { return w.c.DeleteKey(ctx, "me", t.id) })
		if op.Outcome == history.Unknown && !t.again {
			w.tokens[i].again = true
			return
		}
		w.tokens = append(w.tokens[:i], w.tokens[i+1:]...)
		if op.Outcome == history.OK {
			w.useToken(ctx, history.Op{Object: t.name, ID: t.id}, t)
		}
	}
}

func (w *worker) useToken(ctx context.Context, op history.Op, t token) {
	op.Do = history.TokenUse
	w.try(ctx, op, func(ctx context.Context, _ *history.Op) error {
		_, err := client.New(w.url, client.WithToken(t.key), client.WithTransport(w.c.HTTPClient().Transport)).User(ctx, "me")
		return err
	})
}

// auditOf counts the entries of a token's making.
func (w *worker) auditOf(ctx context.Context, id string) (int, error) {
	text, err := w.c.Raw(ctx, url.Values{"limit": {"10"}, "q": {"action:create resource_type:api_key resource_target:" + id}}, "audit")
	if err != nil {
		return 0, err
	}
	var list api.AuditLogResponse
	err = json.Unmarshal(text, &list)
	return len(list.AuditLogs), err
}

// createWorkspace makes a workspace, and without an answer asks again and then looks
// for it.
func (w *worker) createWorkspace(ctx context.Context) {
	name := w.name("ws")
	op := history.Op{Do: history.WorkspaceCreate, Object: name}
	for range 2 {
		op = w.try(ctx, history.Op{Do: history.WorkspaceCreate, Object: name}, func(ctx context.Context, op *history.Op) error {
			made, err := w.c.CreateWorkspace(ctx, "me", api.CreateWorkspaceRequest{Name: name, TemplateID: w.template})
			w.answer(op, made, err)
			return err
		})
		if op.Outcome != history.Unknown {
			break
		}
	}
	if op.Code == history.Conflict {
		op = w.try(ctx, history.Op{Do: history.WorkspaceFind, Object: name}, func(ctx context.Context, op *history.Op) error {
			found, err := w.c.WorkspaceByName(ctx, "me", name)
			w.answer(op, found, err)
			return err
		})
	}
	if op.Outcome == history.OK {
		w.ws.object, w.ws.last = name, api.TransitionStart
	}
}

func (w *worker) answer(op *history.Op, made api.Workspace, err error) {
	if err == nil {
		op.ID, op.Number, w.ws.id = made.ID.String(), int(made.LatestBuild.BuildNumber), made.ID
	}
}

// onWorkspace reads, renames or builds the present workspace.
func (w *worker) onWorkspace(ctx context.Context) {
	op := history.Op{Object: w.ws.object, ID: w.ws.id.String()}
	switch k := w.rng.IntN(10); {
	case k < 2:
		op.Do, op.Value = history.WorkspaceRename, w.name(w.ws.object)
		w.try(ctx, op, func(ctx context.Context, op *history.Op) error { return w.c.RenameWorkspace(ctx, w.ws.id, op.Value) })
	case k < 6:
		w.readWorkspace(ctx, op)
	default:
		w.build(ctx, op)
	}
}

// readWorkspace leaves it when it is gone.
func (w *worker) readWorkspace(ctx context.Context, op history.Op) {
	op.Do = history.WorkspaceRead
	op = w.try(ctx, op, func(ctx context.Context, op *history.Op) error {
		now, err := w.c.Workspace(ctx, w.ws.id)
		op.Number = int(now.LatestBuild.BuildNumber)
		return err
	})
	if op.Code == history.NotFound {
		w.ws.object = ""
	}
}

func (w *worker) build(ctx context.Context, op history.Op) {
	next := api.TransitionStart
	switch k := w.rng.IntN(10); {
	case k < 2:
		next = api.TransitionDelete
	case w.ws.last == api.TransitionStart:
		next = api.TransitionStop
	}
	op.Do, op.Value = history.BuildCreate, string(next)
	op = w.try(ctx, op, func(ctx context.Context, op *history.Op) error {
		b, err := w.c.CreateBuild(ctx, w.ws.id, api.CreateWorkspaceBuildRequest{Transition: next})
		if err == nil {
			op.Build, op.Number = b.ID.String(), int(b.BuildNumber)
		}
		return err
	})
	switch {
	case op.Outcome == history.OK:
		w.ws.last = next
	case op.Code == history.NotFound:
		w.ws.object = ""
	}
}
