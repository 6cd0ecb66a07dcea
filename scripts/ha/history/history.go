package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Outcome of an operation.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown"
)

// What an operation does.
const (
	TokenCreate     = "token.create" // Object is its name; the answer has ID
	TokenDelete     = "token.delete" // of ID
	TokenUse        = "token.use"    // a request signed in with it
	WorkspaceCreate = "workspace.create"
	WorkspaceFind   = "workspace.find"   // by its first name; the answer has ID
	WorkspaceRead   = "workspace.read"   // of ID; the answer has Number, that of the newest build
	WorkspaceRename = "workspace.rename" // to Value
	BuildCreate     = "build.create"     // Value is the transition; the answer has Build and Number
	AuditRead       = "audit.read"       // Number is how many entries say that the token ID was made
	Nemesis         = "nemesis"          // a fault, or its end; it is kept for people
)

// Codes of refusals that mean more than a refusal.
const (
	Conflict        = "conflict"
	NotFound        = "not_found"
	Unauthenticated = "unauthenticated"
)

// Op is one operation. Object is the name under which a token or workspace was made,
// and names it in all operations; Start and End are microseconds since the history
// began.
type Op struct {
	Client  int     `json:"client"`
	Do      string  `json:"do"`
	Object  string  `json:"object,omitempty"`
	ID      string  `json:"id,omitempty"`
	Value   string  `json:"value,omitempty"`
	Build   string  `json:"build,omitempty"`
	Number  int     `json:"number,omitempty"`
	Start   int64   `json:"start"`
	End     int64   `json:"end"`
	Outcome Outcome `json:"outcome"`
	Code    string  `json:"code,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Final is what there is once everything has come to rest.
type Final struct {
	Tokens     []Token     `json:"tokens"`
	Workspaces []Workspace `json:"workspaces"`
	Audit      []Entry     `json:"audit"`
}

// Token is one that exists.
type Token struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Workspace is one that exists, with all its builds.
type Workspace struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Builds []Build `json:"builds"`
}

// Build of a workspace.
type Build struct {
	ID         string `json:"id"`
	Number     int    `json:"number"`
	Transition string `json:"transition"`
}

// Entry of the audit log. Of a token, Target is its id.
type Entry struct {
	Action string `json:"action"`
	Type   string `json:"type"`
	ID     string `json:"id"`
	Target string `json:"target"`
}

// Recorder writes operations down as lines of JSON, in the order in which they end,
// and keeps them. It may be used from many goroutines.
type Recorder struct {
	began time.Time
	mu    sync.Mutex // guards what follows
	enc   *json.Encoder
	ops   []Op
	err   error
}

// NewRecorder writes to w; the history begins now.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{began: time.Now(), enc: json.NewEncoder(w)} }

// Now is the time in the history.
func (r *Recorder) Now() int64 { return time.Since(r.began).Microseconds() }

// Add writes an operation down.
func (r *Recorder) Add(op Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op)
	if err := r.enc.Encode(op); r.err == nil {
		r.err = err
	}
}

// Ops returns what was written down, and an error when not all of it reached the
// writer.
func (r *Recorder) Ops() ([]Op, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Op(nil), r.ops...), r.err
}

// Read reads lines that a Recorder wrote.
func Read(in io.Reader) ([]Op, error) {
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	var ops []Op
	for {
		var op Op
		err := dec.Decode(&op)
		if errors.Is(err, io.EOF) {
			return ops, nil
		}
		if err != nil {
			return nil, fmt.Errorf("operation %d of the history: %w", len(ops)+1, err)
		}
		ops = append(ops, op)
	}
}
