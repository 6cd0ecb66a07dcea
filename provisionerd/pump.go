package provisionerd

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// batchInterval is how long a log line may wait for company.
const batchInterval = 200 * time.Millisecond

// noticeBytes is room for the notice that a log was cut.
const noticeBytes = 256

// pump sends news until ctx ends: states at once, log lines in batches, a
// heartbeat when there is nothing. While the source does not answer, news waits;
// its size is bounded by the limits of a job.
func (a *attempt) pump(ctx context.Context) {
	clock := a.d.opts.Clock
	lastAnswer := clock.Now()
	pause := backoff{clock: clock, min: 100 * time.Millisecond, max: 2 * time.Second}
	heartbeat := clock.NewTimer(jobrpc.HeartbeatInterval, "heartbeat")
	defer heartbeat.Stop()
	var hints <-chan struct{} // nil never fires
	if h, ok := a.d.opts.Source.(Hinter); ok {
		var stop func()
		hints, stop = h.CancelHints(a.job.ID)
		defer stop()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hints:
		case <-heartbeat.C:
		case <-a.news.urgent:
		case <-a.news.lines:
			a.gather(ctx)
		}
		req, _ := a.news.take(a.job)
		var resp jobrpc.UpdateResponse
		err := bounded(ctx, func(ctx context.Context) (err error) {
			resp, err = a.d.opts.Source.Update(ctx, req)
			return err
		})
		heartbeat.Reset(jobrpc.HeartbeatInterval, "heartbeat")
		if err == nil {
			lastAnswer = clock.Now()
			pause.reset()
			a.news.sent(req)
			a.answer(resp)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		a.d.log.Warn("update a job", "job_id", a.job.ID, "error", err)
		a.stop(err, lastAnswer)
		if over(err) {
			return
		}
		if refused(err) {
			a.news.sent(req) // it would be refused again; the last call brings the state
			continue
		}
		pause.wait(ctx)
		a.news.wake()
	}
}

// gather waits a moment for more lines; a state ends the wait.
func (a *attempt) gather(ctx context.Context) {
	t := a.d.opts.Clock.NewTimer(batchInterval, "batch")
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-a.news.urgent:
	case <-t.C:
	}
}

// news is what the source has not heard of yet. Lines beyond the limit of a job
// are dropped with one notice; of states only the newest counts.
type news struct {
	urgent chan struct{} // a state waits
	lines  chan struct{} // a line waits

	mu      sync.Mutex
	logs    []jobrpc.Log
	offset  int // lines that were sent
	bytes   int // of all lines ever
	cut     bool
	state   []byte
	tokens  []api.Secret
	serial  int64
	sentSer int64
}

func newNews() *news {
	return &news{urgent: make(chan struct{}, 1), lines: make(chan struct{}, 1)}
}

func (n *news) addLog(line jobrpc.Log) {
	line.Output = clean(line.Output, jobrpc.MaxLogLine)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut {
		return
	}
	if n.bytes += len(line.Output); n.bytes > jobrpc.MaxLogBytes-noticeBytes {
		n.cut = true
		line.Level, line.Output = api.LogWarn, "The log is too long; the rest is left out."
	}
	n.logs = append(n.logs, line)
	notify(n.lines)
}

func (n *news) setState(state []byte, tokens []api.Secret) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state, n.tokens = state, tokens
	n.serial++
	notify(n.urgent)
}

func (n *news) lastState() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

// take builds the next request and says whether it holds more than a heartbeat.
// What it holds stays until sent is called with it.
func (n *news) take(job *jobrpc.Job) (jobrpc.UpdateRequest, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	req := jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt, LogOffset: n.offset}
	req.Logs = append(req.Logs, n.logs...)
	if n.serial > n.sentSer {
		req.State, req.StateSerial, req.AgentTokens = n.state, n.serial, n.tokens
	}
	return req, len(req.Logs) > 0 || req.State != nil
}

// sent drops what the source has acknowledged.
func (n *news) sent(req jobrpc.UpdateRequest) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.logs = n.logs[len(req.Logs):]
	n.offset += len(req.Logs)
	n.sentSer = max(n.sentSer, req.StateSerial)
	if len(n.logs) > 0 {
		notify(n.lines)
	}
}

// wake makes the pump try again.
func (n *news) wake() { notify(n.urgent) }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// clean makes foreign text storable: valid UTF-8, no NUL, at most limit bytes.
func clean(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
