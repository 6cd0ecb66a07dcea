package history

import (
	"fmt"
	"slices"
)

// Check returns what contradicts the model, one sentence each; none when all is
// well.
func Check(ops []Op, final Final) []string {
	c := &checker{final: final, audit: map[Entry]int{}, tokens: map[string][]Op{}, workspaces: map[string][]Op{}, ids: map[string]string{}}
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(a, b Op) int { return int(a.Start - b.Start) })
	for _, op := range ops {
		c.sort(op)
	}
	for _, e := range final.Audit {
		e.ID, e.Target = auditKey(e)
		c.audit[Entry{e.Action, e.Type, e.ID, e.Target}]++
	}
	for _, name := range sorted(c.tokens) {
		c.token(name, c.tokens[name])
	}
	c.strangeTokens()
	for _, name := range sorted(c.workspaces) {
		c.workspace(name, c.workspaces[name])
	}
	c.strangeWorkspaces()
	c.strangeEntries()
	return c.found
}

// checker collects contradictions.
type checker struct {
	final              Final
	audit              map[Entry]int
	tokens, workspaces map[string][]Op   // by object, in the order of their start
	ids                map[string]string // of tokens and workspaces that the history names, to their objects
	found              []string
}

func (c *checker) wrong(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) sort(op Op) {
	switch op.Do {
	case TokenCreate, TokenDelete, TokenUse, AuditRead:
		c.tokens[op.Object] = append(c.tokens[op.Object], op)
	case WorkspaceCreate, WorkspaceFind, WorkspaceRead, WorkspaceRename, BuildCreate:
		c.workspaces[op.Object] = append(c.workspaces[op.Object], op)
	case Nemesis:
		return
	default:
		c.wrong("the history has an operation %q that the model does not know", op.Do)
		return
	}
	if op.ID != "" {
		c.ids[op.ID] = op.Object
	}
	if op.Code == Unauthenticated && op.Do != TokenUse {
		c.wrong("%s of %s at %d: a valid session was refused", op.Do, op.Object, op.Start)
	}
}

// auditKey is what identifies the thing in an entry: its id, or of a token, whose
// resource_id is its owner's, its target.
func auditKey(e Entry) (id, target string) {
	if e.Type == "api_key" {
		return "", e.Target
	}
	return e.ID, ""
}

// entries counts the entries of that action on that thing.
func (c *checker) entries(action, kind, id string) int {
	if kind == "api_key" {
		return c.audit[Entry{action, kind, "", id}]
	}
	return c.audit[Entry{action, kind, id, ""}]
}

// of returns the operations of one kind and outcome.
func of(ops []Op, do string, outcome Outcome) []Op {
	var out []Op
	for _, op := range ops {
		if op.Do == do && op.Outcome == outcome {
			out = append(out, op)
		}
	}
	return out
}

// startedBefore reports whether one of ops started before t.
func startedBefore(ops []Op, t int64) bool {
	return slices.ContainsFunc(ops, func(op Op) bool { return op.Start < t })
}

// endedBefore reports whether one of ops ended before t.
func endedBefore(ops []Op, t int64) bool {
	return slices.ContainsFunc(ops, func(op Op) bool { return op.End < t })
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ask reports refusals that say of a thing what cannot be: that it exists although
// nobody can have made it.
func (c *checker) ask(do, name string, ops []Op) {
	for _, op := range of(ops, do, Failed) {
		maybe := slices.Concat(of(ops, do, OK), of(ops, do, Unknown))
		if op.Code == Conflict && !startedBefore(maybe, op.End) {
			c.wrong("%s of %s at %d was refused because it exists, and nobody had made it", do, name, op.Start)
		}
	}
}
