package rbac

import (
	"context"
	"strings"

	"coder.internal/api"
)

type subjectKey struct{}

// WithSubject returns ctx with the authenticated caller. Middleware alone calls it.
func WithSubject(ctx context.Context, s Subject) context.Context {
	return context.WithValue(ctx, subjectKey{}, s)
}

// SubjectFrom returns the caller; ok is false when nobody is signed in.
func SubjectFrom(ctx context.Context) (Subject, bool) {
	s, ok := ctx.Value(subjectKey{}).(Subject)
	return s, ok
}

// ErrUnauthenticated is the answer to a caller who has to sign in first.
var ErrUnauthenticated = &api.Error{Code: api.CodeUnauthenticated,
	Message: "You are signed out or your session has expired. Please sign in again to continue."}

// Caller returns the subject of ctx or ErrUnauthenticated.
func Caller(ctx context.Context) (Subject, error) {
	s, ok := SubjectFrom(ctx)
	if !ok {
		return Subject{}, ErrUnauthenticated
	}
	return s, nil
}

// Check is the first statement of a service method. It returns nil when the
// caller may do a on o. Who may not even read o gets the same NotFound as for an
// object that does not exist, with what naming it ("Workspace"); who may read it
// gets CodeForbidden.
func Check(ctx context.Context, a Action, o Object, what string) error {
	s, err := Caller(ctx)
	if err != nil {
		return err
	}
	if Authorize(s, a, o) {
		return nil
	}
	if a == Read || (!o.ID.IsZero() && !Authorize(s, Read, o)) {
		return api.NotFound(what)
	}
	return &api.Error{Code: api.CodeForbidden,
		Message: "You may not " + string(a) + " this " + noun(o.Type) + ". Ask an administrator for a role that allows it."}
}

// noun is what people call objects of a type.
func noun(t Type) string {
	if t == TypeAssignRole || t == TypeAssignOrgRole {
		return "role"
	}
	return strings.ReplaceAll(string(t), "_", " ")
}

// Rule is what a route demands before its handler runs. The zero Rule is not a
// rule: a route with it does not start.
type Rule struct {
	kind   ruleKind
	Action Action
	Type   Type
}

type ruleKind int

const (
	ruleUnset ruleKind = iota
	rulePublic
	ruleSignedIn
	ruleAgent
	ruleDaemon
	ruleNeeds
)

// Public lets everybody in, signed in or not.
func Public() Rule { return Rule{kind: rulePublic} }

// SignedIn lets every user in; the answer depends on the caller alone.
func SignedIn() Rule { return Rule{kind: ruleSignedIn} }

// AgentToken lets workspace agents in, and nobody else.
func AgentToken() Rule { return Rule{kind: ruleAgent} }

// Daemon lets provisioner daemons in, by their key, the pre-shared key, or the
// session of the person that runs them.
func Daemon() Rule { return Rule{kind: ruleDaemon} }

// Needs lets signed-in users in and says what the service will check.
func Needs(a Action, t Type) Rule { return Rule{kind: ruleNeeds, Action: a, Type: t} }

// Valid reports whether the rule was made by one of the constructors.
func (r Rule) Valid() bool { return r.kind != ruleUnset }

// IsPublic reports whether anonymous callers pass.
func (r Rule) IsPublic() bool { return r.kind == rulePublic }

// IsAgent reports whether the caller must be an agent.
func (r Rule) IsAgent() bool { return r.kind == ruleAgent }

// IsDaemon reports whether the caller must be a provisioner daemon.
func (r Rule) IsDaemon() bool { return r.kind == ruleDaemon }

// IsNeeds reports whether the rule names an action and a type.
func (r Rule) IsNeeds() bool { return r.kind == ruleNeeds }

// String is the form shown in the API reference.
func (r Rule) String() string {
	switch r.kind {
	case rulePublic:
		return "public"
	case ruleSignedIn:
		return "signed in"
	case ruleAgent:
		return "agent token"
	case ruleDaemon:
		return "provisioner credential"
	case ruleNeeds:
		return string(r.Action) + " " + string(r.Type)
	}
	return "unset"
}
