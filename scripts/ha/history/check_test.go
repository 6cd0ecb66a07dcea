package history

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// world is a history and its end; the functions of the tests plant faults in it.
type world struct {
	ops   []Op
	final Final
	now   int64
}

// do adds an operation that takes a second, a second after the one before.
func (w *world) do(op Op) *world {
	op.Start, op.End = w.now+1_000_000, w.now+2_000_000
	w.now = op.End
	w.ops = append(w.ops, op)
	return w
}

func (w *world) entry(action, kind, id string) {
	e := Entry{Action: action, Type: kind, ID: id}
	if kind == "api_key" {
		e.ID, e.Target = "owner", id
	}
	w.final.Audit = append(w.final.Audit, e)
}

// good is a history without a fault, with operations of every kind and outcome.
func good() *world {
	w := &world{}
	w.do(Op{Do: TokenCreate, Object: "kept", ID: "k1", Outcome: OK})
	w.do(Op{Do: AuditRead, Object: "kept", ID: "k1", Number: 1, Outcome: OK})
	w.do(Op{Do: TokenUse, Object: "kept", ID: "k1", Outcome: OK})
	w.do(Op{Do: TokenCreate, Object: "gone", ID: "k2", Outcome: OK})
	w.do(Op{Do: TokenDelete, Object: "gone", ID: "k2", Outcome: Unknown})
	w.do(Op{Do: TokenDelete, Object: "gone", ID: "k2", Outcome: Failed, Code: NotFound})
	w.do(Op{Do: TokenCreate, Object: "deleted", ID: "k3", Outcome: OK})
	w.do(Op{Do: TokenDelete, Object: "deleted", ID: "k3", Outcome: OK})
	w.do(Op{Do: TokenCreate, Object: "lost", Outcome: Unknown})
	w.do(Op{Do: TokenCreate, Object: "found", Outcome: Unknown})
	w.do(Op{Do: TokenCreate, Object: "found", Outcome: Failed, Code: Conflict})
	w.do(Op{Do: TokenUse, Object: "deleted", ID: "k3", Outcome: Failed, Code: Unauthenticated})
	w.do(Op{Do: TokenCreate, Object: "refused", Outcome: Failed, Code: "invalid"})
	w.do(Op{Do: Nemesis, Value: "kill replica1", Outcome: OK})
	w.do(Op{Do: WorkspaceCreate, Object: "ws", ID: "w1", Number: 1, Outcome: OK})
	w.do(Op{Do: WorkspaceRename, Object: "ws", ID: "w1", Value: "ws-a", Outcome: OK})
	w.do(Op{Do: WorkspaceRename, Object: "ws", ID: "w1", Value: "ws-b", Outcome: Unknown})
	w.do(Op{Do: BuildCreate, Object: "ws", ID: "w1", Value: "stop", Build: "b2", Number: 2, Outcome: OK})
	w.do(Op{Do: WorkspaceRead, Object: "ws", ID: "w1", Number: 2, Outcome: OK})
	w.do(Op{Do: BuildCreate, Object: "ws", ID: "w1", Value: "start", Outcome: Unknown})
	w.do(Op{Do: BuildCreate, Object: "ws", ID: "w1", Value: "start", Outcome: Failed, Code: Conflict})
	w.do(Op{Do: WorkspaceCreate, Object: "away", ID: "w2", Number: 1, Outcome: OK})
	w.do(Op{Do: BuildCreate, Object: "away", ID: "w2", Value: "delete", Build: "c2", Number: 2, Outcome: OK})
	w.do(Op{Do: WorkspaceRead, Object: "away", ID: "w2", Outcome: Failed, Code: NotFound})
	w.do(Op{Do: WorkspaceCreate, Object: "late", Outcome: Unknown})
	w.final.Tokens = []Token{{"k1", "kept"}, {"k4", "found"}}
	w.final.Workspaces = []Workspace{
		{"w1", "ws-b", []Build{{"b3", 3, "start"}, {"b2", 2, "stop"}, {"b1", 1, "start"}}},
		{"w3", "late", []Build{{"l1", 1, "start"}}},
	}
	for _, id := range []string{"k1", "k2", "k3", "k4"} {
		w.entry("create", "api_key", id)
	}
	w.entry("delete", "api_key", "k2")
	w.entry("delete", "api_key", "k3")
	for _, id := range []string{"w1", "w2", "w3"} {
		w.entry("create", "workspace", id)
	}
	w.entry("write", "workspace", "w1")
	w.entry("write", "workspace", "w1")
	w.entry("stop", "workspace_build", "b2")
	w.entry("start", "workspace_build", "b3")
	w.entry("delete", "workspace_build", "c2")
	return w
}

func TestGoodHistory(t *testing.T) {
	t.Parallel()
	w := good()
	require.Empty(t, Check(w.ops, w.final))
	w.final.Workspaces[0].Name = "ws-a"
	require.Empty(t, Check(w.ops, w.final), "the rename without an answer had no effect")
	require.Empty(t, Check(nil, Final{}))
}

// without drops the entries of the audit log that match.
func (w *world) without(action, id string) {
	w.final.Audit = slices.DeleteFunc(w.final.Audit, func(e Entry) bool { return e.Action == action && (e.ID == id || e.Target == id) })
}

// forget drops operations.
func (w *world) forget(match func(Op) bool) { w.ops = slices.DeleteFunc(w.ops, match) }

// faults are what can go wrong, each with a part of the sentence that says so.
var faults = map[string]func(*world){
	"token kept was acknowledged, and is lost":            func(w *world) { w.final.Tokens = w.final.Tokens[1:] },
	"token deleted was deleted, and is there":             func(w *world) { w.final.Tokens = append(w.final.Tokens, Token{"k3", "deleted"}) },
	"token kept is there 2 times":                         func(w *world) { w.final.Tokens = append(w.final.Tokens, Token{"k9", "kept"}) },
	"token refused was refused, and is there":             func(w *world) { w.final.Tokens = append(w.final.Tokens, Token{"k9", "refused"}) },
	"token odd (k9) is there, and nobody asked":           func(w *world) { w.final.Tokens = append(w.final.Tokens, Token{"k9", "odd"}) },
	"token kept has the id k9":                            func(w *world) { w.final.Tokens[0].ID = "k9" },
	"token kept was made 2 times":                         func(w *world) { w.do(Op{Do: TokenCreate, Object: "kept", ID: "k1", Outcome: OK}) },
	"token deleted was deleted 2 times":                   func(w *world) { w.do(Op{Do: TokenDelete, Object: "deleted", ID: "k3", Outcome: OK}) },
	"token.create of new at 51000000 was refused because": func(w *world) { w.do(Op{Do: TokenCreate, Object: "new", Outcome: Failed, Code: Conflict}) },
	"making token kept has 0 entries":                     func(w *world) { w.without("create", "k1") },
	"making token kept has 2 entries":                     func(w *world) { w.entry("create", "api_key", "k1") },
	"making token found (k4) has 0 entries":               func(w *world) { w.without("create", "k4") },
	"token kept (there in the end: true) has 1 entries":   func(w *world) { w.entry("delete", "api_key", "k1") },
	"token gone (there in the end: false) has 0 entries":  func(w *world) { w.without("delete", "k2") },
	"worked at 51000000, long after it was deleted":       func(w *world) { w.do(Op{Do: TokenUse, Object: "deleted", ID: "k3", Outcome: OK}) },
	"token kept was refused at 51000000": func(w *world) {
		w.do(Op{Do: TokenUse, Object: "kept", ID: "k1", Outcome: Failed, Code: Unauthenticated})
	},
	"token kept was not found at": func(w *world) {
		w.do(Op{Do: TokenDelete, Object: "kept", ID: "k1", Outcome: Failed, Code: NotFound})
	},
	"no entry of making token kept at": func(w *world) { w.do(Op{Do: AuditRead, Object: "kept", ID: "k1", Outcome: OK}) },
	"had 2 entries of making token kept at": func(w *world) {
		w.do(Op{Do: AuditRead, Object: "kept", ID: "k1", Number: 2, Outcome: OK})
	},
	"of type api_key were made which no answer named; 2 may": func(w *world) {
		w.entry("create", "api_key", "k8")
		w.entry("create", "api_key", "k9")
	},
	"a valid session was refused": func(w *world) {
		w.do(Op{Do: TokenCreate, Object: "x", Outcome: Failed, Code: Unauthenticated})
	},
	"does not know": func(w *world) { w.do(Op{Do: "odd"}) },
	"workspace ws was acknowledged, and is lost":  func(w *world) { w.final.Workspaces = w.final.Workspaces[1:] },
	"workspace ws was made 2 times":               func(w *world) { w.do(Op{Do: WorkspaceCreate, Object: "ws", ID: "w1", Outcome: OK}) },
	"workspace ws was made 2 times, with the ids": func(w *world) { w.do(Op{Do: WorkspaceFind, Object: "ws", ID: "w9", Outcome: OK}) },
	"workspace no was refused, and is there": func(w *world) {
		w.do(Op{Do: WorkspaceCreate, Object: "no", Outcome: Failed, Code: "invalid"})
		w.final.Workspaces = append(w.final.Workspaces, Workspace{ID: "w9", Name: "no"})
	},
	"workspace odd (w9) is there":                    func(w *world) { w.final.Workspaces = append(w.final.Workspaces, Workspace{ID: "w9", Name: "odd"}) },
	"two workspaces are called late":                 func(w *world) { w.final.Workspaces = append(w.final.Workspaces, Workspace{ID: "w9", Name: "late"}) },
	"workspace ws is called ws, and not ws-a":        func(w *world) { w.final.Workspaces[0].Name = "ws" },
	"build 2 of workspace ws was acknowledged, and":  func(w *world) { w.final.Workspaces[0].Builds[1].ID = "b9" },
	"workspace ws have the numbers [1 3]":            func(w *world) { w.final.Workspaces[0].Builds = slices.Delete(w.final.Workspaces[0].Builds, 1, 2) },
	"workspace ws have the numbers [1 2 2]":          func(w *world) { w.final.Workspaces[0].Builds[0].Number = 2 },
	"is number 3 (stop), and was acknowledged as 2":  func(w *world) { w.final.Workspaces[0].Builds[1].Number = 3 },
	"ws has 2 builds of start, and 1 were asked for": func(w *world) { w.forget(func(op Op) bool { return op.Do == BuildCreate && op.Outcome == Unknown }) },
	"build 3 of workspace ws has 0 entries":          func(w *world) { w.without("start", "b3") },
	"build 2 of workspace ws has 2 entries":          func(w *world) { w.entry("stop", "workspace_build", "b2") },
	"asking for build 2 of workspace away has 0":     func(w *world) { w.without("delete", "c2") },
	"making workspace away has 0 entries":            func(w *world) { w.without("create", "w2") },
	"1 to 2 renames of workspace ws have 3 entries":  func(w *world) { w.entry("write", "workspace", "w1") },
	"of type workspace were made which no answer named; 1": func(w *world) {
		w.entry("create", "workspace", "w8")
	},
	"workspace ws showed build 1 at": func(w *world) { w.do(Op{Do: WorkspaceRead, Object: "ws", ID: "w1", Number: 1, Outcome: OK}) },
	"workspace ws was not found at": func(w *world) {
		w.do(Op{Do: WorkspaceRead, Object: "ws", ID: "w1", Outcome: Failed, Code: NotFound})
	},
	"build 2 of workspace ws was acknowledged after build 2": func(w *world) {
		w.do(Op{Do: BuildCreate, Object: "ws", ID: "w1", Value: "stop", Build: "b2", Number: 2, Outcome: OK})
	},
}

func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for want, plant := range faults {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := good()
			plant(w)
			found := strings.Join(Check(w.ops, w.final), "\n")
			require.Contains(t, found, want)
		})
	}
}

func TestDeletedTokenMayWorkForTwoSeconds(t *testing.T) {
	t.Parallel()
	w := good()
	last := w.ops[7] // the delete
	require.Equal(t, TokenDelete, last.Do)
	w.ops = append(w.ops, Op{Do: TokenUse, Object: "deleted", ID: "k3", Start: last.End + revoked, End: last.End + revoked + 1, Outcome: OK})
	require.Empty(t, Check(w.ops, w.final))
}

func TestRecorderAndRead(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := NewRecorder(&out)
	for _, op := range good().ops {
		r.Add(op)
	}
	require.GreaterOrEqual(t, r.Now(), int64(0))
	kept, err := r.Ops()
	require.NoError(t, err)
	read, err := Read(&out)
	require.NoError(t, err)
	require.Equal(t, kept, read)
	_, err = Read(strings.NewReader(`{"do":"token.create"}` + "\n" + `{"odd":1}`))
	require.ErrorContains(t, err, "operation 2")
}
