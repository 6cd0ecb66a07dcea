// Package audit records who did what: one Record call for each change, in the
// same transaction as the change, so that there is an entry if and only if the
// change happened. No role may edit entries: there is no route for it, and the
// table refuses it of everybody. They go when they are older than the operator
// wants to keep them, see DeleteOld.
//
// Diffs name the fields that changed with their old and new values; a field in
// secretFields shows only that it changed.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Action is what happened. The names are those of the reference.
type Action string

// Actions.
const (
	Create               Action = "create"
	Write                Action = "write"
	Delete               Action = "delete"
	Start                Action = "start"
	Stop                 Action = "stop"
	Login                Action = "login"
	Logout               Action = "logout"
	Register             Action = "register"
	RequestPasswordReset Action = "request_password_reset"
	Connect              Action = "connect"
	Disconnect           Action = "disconnect"
	Open                 Action = "open"
	Close                Action = "close"
)

// Entry is one decision. Before and After are maps of the fields worth showing;
// nil stands for "did not exist".
type Entry struct {
	Action         Action
	ResourceType   string
	ResourceID     api.ID
	Target         string // the name people know the resource by
	OrganizationID api.ID
	StatusCode     int
	Before, After  map[string]any
	// Fields are what else is worth knowing, such as the names of what the resource
	// belongs to. They are never secret.
	Fields map[string]any
	// UserID overrides the caller, for example at login. Username goes with it.
	UserID   api.ID
	Username string
}

// Request says where a request came from. Middleware stores it.
type Request struct {
	IP        string
	UserAgent string
}

type requestKey struct{}

// WithRequest returns ctx with the origin of the request.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestFrom returns the origin of the request, empty outside of one.
func RequestFrom(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// maxText bounds what callers may leave in an entry.
const maxText = 512

// Record writes e inside q's transaction. Caller, address and request id come
// from ctx.
func Record(ctx context.Context, q *database.Queries, e Entry) error {
	if s, ok := rbac.SubjectFrom(ctx); ok && e.UserID.IsZero() {
		e.UserID, e.Username = s.UserID, s.Username
	}
	diff, err := json.Marshal(diffOf(e.Before, e.After))
	if err != nil {
		return fmt.Errorf("encode audit diff of %s %s: %w", e.ResourceType, e.ResourceID, err)
	}
	fields := json.RawMessage(`{}`)
	if len(e.Fields) > 0 {
		if fields, err = json.Marshal(e.Fields); err != nil {
			return fmt.Errorf("encode audit fields of %s %s: %w", e.ResourceType, e.ResourceID, err)
		}
	}
	req := RequestFrom(ctx)
	err = q.InsertAuditLog(ctx, database.InsertAuditLogParams{
		ID:               api.NewID(),
		UserID:           optional(e.UserID),
		Username:         clip(e.Username),
		OrganizationID:   optional(e.OrganizationID),
		Ip:               clip(req.IP),
		UserAgent:        clip(req.UserAgent),
		RequestID:        optional(httpapi.RequestID(ctx)),
		ResourceType:     e.ResourceType,
		ResourceID:       e.ResourceID,
		ResourceTarget:   clip(e.Target),
		Action:           string(e.Action),
		StatusCode:       int32(e.StatusCode), //nolint:gosec // an HTTP status
		Diff:             diff,
		AdditionalFields: fields,
	})
	if err != nil {
		return fmt.Errorf("record %s of %s %s: %w", e.Action, e.ResourceType, e.ResourceID, err)
	}
	return nil
}

// change is one field of a diff, in the shape of the reference.
type change struct {
	Old    any  `json:"old"`
	New    any  `json:"new"`
	Secret bool `json:"secret"`
}

// secretFields are shown as changed, never with a value.
var secretFields = []string{"password", "hashed_password", "hashed_secret", "token", "value"}

func diffOf(before, after map[string]any) map[string]change {
	out := map[string]change{}
	for k, v := range after {
		if old, ok := before[k]; !ok || !equal(old, v) {
			out[k] = hide(k, change{Old: before[k], New: v})
		}
	}
	for k, v := range before {
		if _, ok := after[k]; !ok {
			out[k] = hide(k, change{Old: v})
		}
	}
	return out
}

func hide(field string, c change) change {
	if slices.Contains(secretFields, field) {
		return change{Old: "", New: "", Secret: true}
	}
	return c
}

// equal compares as JSON does, since that is what will be read.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func optional(id api.ID) *api.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}

// clip makes foreign text short and storable.
func clip(s string) string {
	return database.Storable(s[:min(len(s), maxText)])
}
