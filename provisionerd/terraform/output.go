package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// Stages of a job, as people see them.
const (
	stageParse = "Parsing template"
	stageInit  = "Initializing"
	stagePlan  = "Planning"
	stageApply = "Applying"
	stageClean = "Cleaning up"
)

// message is one line of Terraform's machine-readable output.
type message struct {
	Level      string      `json:"@level"`
	Message    string      `json:"@message"`
	Time       time.Time   `json:"@timestamp"`
	Type       string      `json:"type"`
	Code       string      `json:"message_code"`
	Hook       *hook       `json:"hook"`
	Change     *hook       `json:"change"`
	Diagnostic *diagnostic `json:"diagnostic"`
	Changes    *struct {
		Operation string `json:"operation"`
	} `json:"changes"`
	// State is there where Terraform could not write it to a file.
	State json.RawMessage `json:"state"`
}

type hook struct {
	Action   string `json:"action"`
	Output   string `json:"output"`
	Resource struct {
		Addr     string `json:"addr"`
		Module   string `json:"module"`
		Type     string `json:"resource_type"`
		Name     string `json:"resource_name"`
		Provider string `json:"implied_provider"`
	} `json:"resource"`
	Previous *struct {
		Addr string `json:"addr"`
	} `json:"previous_resource"`
}

type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
	Range    *struct {
		Filename string `json:"filename"`
		Start    struct {
			Line int `json:"line"`
		} `json:"start"`
	} `json:"range"`
	Snippet *struct {
		Context string `json:"context"`
		Code    string `json:"code"`
	} `json:"snippet"`
}

// short is the diagnostic in one line: place, summary, first sentence.
func (d *diagnostic) short() string {
	text := strings.Join(strings.Fields(d.Summary), " ")
	if d.Range != nil {
		text = fmt.Sprintf("%s line %d: %s", d.Range.Filename, d.Range.Start.Line, text)
	} else if d.Address != "" {
		text = d.Address + ": " + text
	}
	if detail := first(d.Detail); detail != "" {
		text = strings.TrimRight(text, ".:") + ": " + detail
	}
	return text
}

// long is the diagnostic as Terraform prints it for people.
func (d *diagnostic) long() []string {
	title := "Error: "
	if d.Severity == "warning" {
		title = "Warning: "
	}
	lines := []string{title + strings.Join(strings.Fields(d.Summary), " ")}
	if d.Address != "" {
		lines = append(lines, "  with "+d.Address+",")
	}
	if d.Range != nil {
		place := fmt.Sprintf("  on %s line %d", d.Range.Filename, d.Range.Start.Line)
		if d.Snippet != nil && d.Snippet.Context != "" {
			place += ", in " + d.Snippet.Context
		}
		lines = append(lines, place+":")
	}
	if d.Snippet != nil && d.Range != nil {
		for i, code := range strings.Split(d.Snippet.Code, "\n") {
			lines = append(lines, fmt.Sprintf("  %3d: %s", d.Range.Start.Line+i, code))
		}
	}
	if d.Detail != "" {
		lines = append(append(lines, ""), strings.Split(strings.TrimRight(d.Detail, "\n"), "\n")...)
	}
	return lines
}

// maxLine bounds one line of Terraform's output; the rest of it is dropped.
const maxLine = 1 << 20

// dumpAdvice is the title under which Terraform says how to save a printed state
// by hand.
const dumpAdvice = "Failed to persist state to backend"

// output turns what one terraform process prints into log lines, timings and the
// error of the job. It is the io.Writer for its standard output.
type output struct {
	log   func(jobrpc.Log)
	now   func() time.Time
	debug bool // lines of debug level are wanted
	quiet bool // only diagnostics are logged
	// warned holds what was warned of already in this job; each phase of
	// Terraform finds the same things again. Nil shows all.
	warned *sync.Map
	// creating, where not nil, hears of each resource that is being made.
	creating *unfinished

	mu       sync.Mutex
	stage    string
	rest     []byte
	failure  string // first error
	open     map[string]time.Time
	timings  []jobrpc.Timing
	planned  []hook // managed resources that will exist after the run
	planDone time.Time
	// destroyed are the addresses, before and after a move, of what the plan
	// deletes or replaces.
	destroyed []string
	dumped    []byte // the state that Terraform printed in need, else nil
}

func newOutput(log func(jobrpc.Log), now func() time.Time, stage string) *output {
	return &output{log: log, now: now, stage: stage, open: map[string]time.Time{}}
}

// Write implements io.Writer; it never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		line, rest, ok := bytes.Cut(o.rest, []byte("\n"))
		if !ok {
			if len(o.rest) > maxLine {
				o.rest = o.rest[:maxLine]
			}
			return len(p), nil
		}
		o.line(line)
		o.rest = append([]byte(nil), rest...)
	}
}

func (o *output) line(raw []byte) {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil || m.Message == "" && m.Diagnostic == nil {
		if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
			return // a document, such as a plan: not meant for people
		}
		if text := strings.TrimSpace(string(raw)); text != "" && !o.quiet {
			o.emit(api.LogInfo, text)
		}
		return
	}
	if m.Time.IsZero() {
		m.Time = o.now()
	}
	if len(m.State) > 0 {
		o.dumped = bytes.Clone(m.State)
		return // never a line: it has secrets
	}
	switch m.Type {
	case "diagnostic":
		o.diagnose(m)
		return
	case "planned_change":
		o.plan(m.Change)
	case "apply_start", "refresh_start":
		o.begin(m)
	case "apply_complete", "apply_errored", "refresh_complete":
		o.end(m)
	case "change_summary":
		defer o.summarized(m)
	case "outputs", "resource_drift", "version":
		o.emit(api.LogDebug, m.Message)
		return
	}
	if o.stage == stageInit {
		if text, ok := initText(m); ok {
			o.emit(api.LogInfo, text)
		}
		return
	}
	level := api.LogInfo
	if m.Hook != nil && m.Hook.Action == "read" || strings.HasPrefix(m.Type, "refresh_") {
		level = api.LogDebug
	}
	o.emit(level, m.Message)
}

// plan notes one planned change.
func (o *output) plan(c *hook) {
	if c == nil {
		return
	}
	if c.Action != "delete" && c.Action != "remove" {
		o.planned = append(o.planned, *c)
	}
	if c.Action == "delete" || c.Action == "replace" {
		o.destroyed = append(o.destroyed, c.Resource.Addr)
		if c.Previous != nil {
			o.destroyed = append(o.destroyed, c.Previous.Addr)
		}
	}
}

// summarized moves on to the next stage after the plan.
func (o *output) summarized(m message) {
	if m.Changes != nil && m.Changes.Operation == "plan" && o.stage == stagePlan {
		o.planDone = m.Time
		o.stage = stageApply
	}
}

func (o *output) diagnose(m message) {
	if m.Diagnostic == nil {
		return
	}
	if text, ok := mirrored(m.Diagnostic); ok {
		if text != "" {
			o.emit(api.LogInfo, text)
		}
		return
	}
	if m.Diagnostic.Summary == dumpAdvice && o.dumped != nil {
		o.write(api.LogError, "Terraform printed its state instead of writing it, and the state was kept.")
		return
	}
	level := api.LogError
	if m.Diagnostic.Severity == "warning" {
		level = api.LogWarn
		if o.warned != nil {
			if _, before := o.warned.LoadOrStore(strings.Join(m.Diagnostic.long(), "\n"), true); before {
				return
			}
		}
	} else if o.failure == "" {
		o.failure = m.Diagnostic.short()
	}
	for _, line := range m.Diagnostic.long() {
		o.write(level, line)
	}
}

func (o *output) begin(m message) {
	if m.Hook == nil {
		return
	}
	o.open[m.Hook.Resource.Addr] = m.Time
	if o.creating != nil && m.Hook.Action == "create" {
		o.creating.begin(m.Hook.Resource.Addr)
	}
}

func (o *output) end(m message) {
	if m.Hook == nil {
		return
	}
	r := m.Hook.Resource
	start, ok := o.open[r.Addr]
	if !ok {
		return
	}
	delete(o.open, r.Addr)
	if o.creating != nil {
		o.creating.end(r.Addr)
	}
	stage, action := "apply", m.Hook.Action
	if action == "" {
		action = "refresh"
	}
	if action == "read" || action == "refresh" {
		stage = "plan"
	}
	o.timings = append(o.timings, jobrpc.Timing{Stage: stage, Source: r.Provider, Action: action,
		Resource: r.Addr, StartedAt: start, EndedAt: m.Time})
}

func (o *output) emit(level api.LogLevel, text string) {
	if !o.quiet && (o.debug || level != api.LogDebug) {
		o.write(level, text)
	}
}

func (o *output) write(level api.LogLevel, text string) {
	o.log(jobrpc.Log{CreatedAt: o.now(), Source: "provisioner", Level: level, Stage: o.stage, Output: text})
}

// result returns the first error that Terraform reported, if any.
func (o *output) result() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failure
}
