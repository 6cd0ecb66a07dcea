package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/wsconn"
)

// Daemon is who a provisioner daemon is to the server.
type Daemon struct {
	Organization string // name or id, or "default"
	ID           api.ID // kept over restarts of the daemon
	Name         string
	Version      string
	Tags         map[string]string // none with a key
	// Key or PSK; without either the client's session is used.
	Key, PSK api.Secret
}

// JobSource is the job queue of a deployment as a daemon sees it from outside: a
// provisionerd.JobSource over one websocket (see jobrpc.Frame). The connection is
// made when it is needed and again whenever it breaks, with back-off and jitter;
// calls that were under way fail without a code, and may be made again.
type JobSource struct {
	c   *Client
	who Daemon
	log *slog.Logger

	dialing chan struct{} // a seat: one dials at a time

	mu       sync.Mutex
	link     *link // nil or broken until the next call
	failures int   // dials and short-lived connections in a row
	hints    map[api.ID]chan struct{}
}

// Back-off between connections, and how long one must live to count as stable.
const (
	minRedial    = 100 * time.Millisecond
	maxRedial    = 3 * time.Second
	stableAfter  = 10 * time.Second
	linkPing     = 8 * time.Second
	takeBackWait = 2 * time.Second
	partTimeout  = 30 * time.Second
	partRetries  = 5
)

// JobSource returns a source of jobs for a daemon. It starts nothing; Close it.
func (c *Client) JobSource(who Daemon, log *slog.Logger) *JobSource {
	return &JobSource{c: c, who: who, log: log, dialing: make(chan struct{}, 1), hints: map[api.ID]chan struct{}{}}
}

// Connect makes the connection. A refusal is an *api.Error that says what to do.
func (s *JobSource) Connect(ctx context.Context) error {
	_, err := s.connect(ctx)
	return err
}

// Close says goodbye and waits for the connection's end. No call may follow.
func (s *JobSource) Close() {
	s.mu.Lock()
	l := s.link
	s.link = nil
	s.mu.Unlock()
	if l != nil {
		_ = l.ws.Close(wsconn.CodeNormal, "") // the server may be gone
		l.stop(errors.New("closed"))
		l.parts.Wait()
	}
}

// connect returns the living connection, or makes one.
func (s *JobSource) connect(ctx context.Context) (*link, error) {
	select {
	case s.dialing <- struct{}{}:
		defer func() { <-s.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	l, failures := s.link, s.failures
	s.mu.Unlock()
	if l != nil && l.alive() {
		return l, nil
	}
	if l != nil {
		l.parts.Wait() // it is broken: this does not take long
		if s.c.clock.Since(l.since) >= stableAfter {
			failures = 0
		}
	}
	if err := s.pause(ctx, failures); err != nil {
		return nil, err
	}
	ws, err := s.dial(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = failures + 1 // also of a connection that has to prove itself
	if err != nil {
		s.link = nil
		return nil, err
	}
	s.link = newLink(ws, s.c.clock.Now(), s.pushed)
	return s.link, nil
}

// pause waits before a dial: not at all at first, then longer and longer.
func (s *JobSource) pause(ctx context.Context, failures int) error {
	if failures == 0 {
		return nil
	}
	d := min(minRedial<<min(failures, 10), maxRedial)
	t := s.c.clock.NewTimer(d/2+rand.N(d/2), "jobsource", "redial")
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (s *JobSource) dial(ctx context.Context) (*wsconn.Conn, error) {
	v := url.Values{jobrpc.ParamDaemonID: {s.who.ID.String()}, jobrpc.ParamDaemonName: {s.who.Name},
		jobrpc.ParamVersion: {s.who.Version}, jobrpc.ParamAPIVersion: {jobrpc.WireVersion}}
	for k, val := range s.who.Tags {
		v.Add(jobrpc.ParamTag, k+"="+val)
	}
	p := path("organizations", s.who.Organization, "provisionerdaemons", "serve")
	return s.c.dialAs(ctx, p, v, jobrpc.MaxFrameBytes, s.header())
}

func (s *JobSource) header() http.Header {
	switch {
	case s.who.Key != "":
		h := s.c.ExtraHeader()
		h.Set(api.ProvisionerKeyHeader, s.who.Key.Reveal())
		return h
	case s.who.PSK != "":
		h := s.c.ExtraHeader()
		h.Set(api.ProvisionerPSKHeader, s.who.PSK.Reveal())
		return h
	}
	return s.c.Header()
}

// call makes one call over the connection. What the server answers to it may be
// an *api.Error; that it cannot be reached, or refuses the connection, is none:
// it says nothing about an attempt.
func (s *JobSource) call(ctx context.Context, method string, params, result any) error {
	l, err := s.connect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("connect to the job queue: %v", err) //nolint:errorlint // its code is about the connection
	}
	text, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	if text, err = json.Marshal(jobrpc.Request{Method: method, Params: text}); err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	if len(text) > jobrpc.MaxMessage {
		return &api.Error{Code: api.CodeTooLarge, Message: fmt.Sprintf("The %s call is larger than %d MiB.", method, jobrpc.MaxMessage>>20)}
	}
	id, answer := l.begin()
	defer l.end(id)
	if err := l.send(id, text); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	var message []byte
	select {
	case message = <-answer:
	case <-l.done:
		return fmt.Errorf("%s: connection to the job queue broke: %w", method, l.cause())
	case <-ctx.Done():
		if message = s.takeBack(ctx, l, method, id, answer); message == nil {
			return ctx.Err()
		}
	}
	var res jobrpc.Response
	if err := json.Unmarshal(message, &res); err != nil {
		return fmt.Errorf("%s: decode answer: %w", method, err)
	}
	if res.Error != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return res.Error
	}
	if result == nil || len(res.Result) == 0 {
		return nil
	}
	if err := json.Unmarshal(res.Result, result); err != nil {
		return fmt.Errorf("%s: decode answer: %w", method, err)
	}
	return nil
}

// takeBack ends a call that nobody waits for any more. A job may be on its way:
// its answer is waited for. An answer to anything else that did not come in time
// makes the connection suspect.
func (s *JobSource) takeBack(ctx context.Context, l *link, method string, id int64, answer <-chan []byte) []byte {
	if method != jobrpc.MethodAcquire {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			l.stop(errors.New("a call was not answered in time"))
		}
		return nil
	}
	text, err := json.Marshal(jobrpc.CancelRequest{ID: id})
	if err == nil {
		text, err = json.Marshal(jobrpc.Request{Method: jobrpc.MethodCancel, Params: text})
	}
	if err == nil {
		err = l.send(l.id(), text)
	}
	if err != nil {
		return nil
	}
	t := s.c.clock.NewTimer(takeBackWait, "jobsource", "take back")
	defer t.Stop()
	select {
	case message := <-answer:
		return message
	case <-l.done:
	case <-t.C:
	}
	return nil
}

// Acquire implements provisionerd.JobSource. It outlives connections: the same
// request is sent again, so that a job whose answer was lost is not.
func (s *JobSource) Acquire(ctx context.Context, req jobrpc.AcquireRequest) (*jobrpc.Job, error) {
	if req.RequestID.IsZero() {
		req.RequestID = api.NewID()
	}
	for told := false; ; told = true {
		var job *jobrpc.Job
		err := s.call(ctx, jobrpc.MethodAcquire, req, &job)
		switch {
		case err == nil && job != nil && ctx.Err() != nil:
			s.handBack(ctx, job)
			return nil, ctx.Err()
		case err == nil, api.CodeOf(err) != "", ctx.Err() != nil:
			return job, err
		case !told:
			s.log.Warn("no connection to the server; trying on", "error", err)
		}
	}
}

// handBack returns a job that came when nobody wanted one any more.
func (s *JobSource) handBack(ctx context.Context, job *jobrpc.Job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackWait)
	defer cancel()
	err := s.Fail(ctx, jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Retry: true,
		Error: "The provisioner daemon stopped before it began."})
	if err != nil {
		s.log.Warn("a job was not handed back; its lease will end", "job_id", job.ID, "error", err)
	}
}

// Update implements provisionerd.JobSource.
func (s *JobSource) Update(ctx context.Context, req jobrpc.UpdateRequest) (jobrpc.UpdateResponse, error) {
	var res jobrpc.UpdateResponse
	err := s.carry(ctx, req.JobID, req.Attempt, len(req.State), func(ctx context.Context) error {
		return s.call(ctx, jobrpc.MethodUpdate, req, &res)
	})
	return res, err
}

// Complete implements provisionerd.JobSource.
func (s *JobSource) Complete(ctx context.Context, req jobrpc.CompleteRequest) error {
	size := 0
	if req.Build != nil {
		size = len(req.Build.State)
	}
	return s.carry(ctx, req.JobID, req.Attempt, size, func(ctx context.Context) error {
		return s.call(ctx, jobrpc.MethodComplete, req, nil)
	})
}

// Fail implements provisionerd.JobSource.
func (s *JobSource) Fail(ctx context.Context, req jobrpc.FailRequest) error {
	return s.carry(ctx, req.JobID, req.Attempt, len(req.State), func(ctx context.Context) error {
		return s.call(ctx, jobrpc.MethodFail, req, nil)
	})
}

// A call with more than bigState bytes of state gets the time that a line of
// slowLine bytes a second needs, beyond the deadline of its caller.
const (
	bigState = 1 << 20
	slowLine = 128 << 10
)

// carry makes a call that brings a state. A big one takes long on a slow line:
// then the deadline of ctx does not count (its cancellation does), and heartbeats
// between the frames keep the lease meanwhile.
func (s *JobSource) carry(ctx context.Context, job api.ID, attempt, size int, call func(context.Context) error) error {
	if size <= bigState {
		return call(ctx)
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), partTimeout+time.Duration(size/slowLine)*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})()
	beating, stop := context.WithCancel(long)
	var beats sync.WaitGroup
	beats.Go(func() {
		tick := s.c.clock.NewTicker(jobrpc.HeartbeatInterval, "jobsource", "beat")
		defer tick.Stop()
		for {
			select {
			case <-beating.Done():
				return
			case <-tick.C:
			}
			// Its answer says nothing that the answer of the call will not say.
			_ = s.call(beating, jobrpc.MethodUpdate, jobrpc.UpdateRequest{JobID: job, Attempt: attempt}, nil)
		}
	})
	err := call(long)
	stop()
	beats.Wait()
	return err
}

// Archive implements provisionerd.JobSource. Parts are fetched while it is read;
// a part that is lost is asked for again.
func (s *JobSource) Archive(ctx context.Context, jobID api.ID, attempt int) (io.ReadCloser, error) {
	return s.open(ctx, jobrpc.MethodArchive, jobrpc.ArchiveRequest{JobID: jobID, Attempt: attempt})
}

// Modules implements provisionerd.ModuleKeeper, in the way of Archive.
func (s *JobSource) Modules(ctx context.Context, jobID api.ID, attempt int) (io.ReadCloser, error) {
	return s.open(ctx, jobrpc.MethodModules, jobrpc.ArchiveRequest{JobID: jobID, Attempt: attempt})
}

// KeepModules implements provisionerd.ModuleKeeper.
func (s *JobSource) KeepModules(ctx context.Context, req jobrpc.ModulesRequest) error {
	return s.carry(ctx, req.JobID, req.Attempt, len(req.Data), func(ctx context.Context) error {
		return s.call(ctx, jobrpc.MethodKeepModules, req, nil)
	})
}

// Quota implements provisionerd.QuotaAsker.
func (s *JobSource) Quota(ctx context.Context, req jobrpc.QuotaRequest) (res jobrpc.QuotaResponse, err error) {
	err = s.call(ctx, jobrpc.MethodQuota, req, &res)
	return res, err
}

func (s *JobSource) open(ctx context.Context, method string, req jobrpc.ArchiveRequest) (io.ReadCloser, error) {
	a := &archive{ctx: ctx, s: s, method: method, req: req}
	return io.NopCloser(a), a.fetch()
}

// archive reads an archive part by part.
type archive struct {
	ctx    context.Context //nolint:containedctx // a reader is one call
	s      *JobSource
	method string
	req    jobrpc.ArchiveRequest // what to ask for next
	part   bytes.Reader
	total  int
}

// Read implements io.Reader.
func (a *archive) Read(p []byte) (int, error) {
	if a.part.Len() == 0 {
		if a.req.Offset >= a.total {
			return 0, io.EOF
		}
		if err := a.fetch(); err != nil {
			return 0, err
		}
	}
	return a.part.Read(p)
}

func (a *archive) fetch() error {
	var part jobrpc.ArchivePart
	var err error
	for range partRetries {
		ctx, cancel := context.WithTimeout(a.ctx, partTimeout)
		err = a.s.call(ctx, a.method, a.req, &part)
		cancel()
		if err == nil || api.CodeOf(err) != "" && api.CodeOf(err) != api.CodeUnavailable || a.ctx.Err() != nil {
			break
		}
	}
	switch {
	case err != nil:
		return err
	case part.Total > jobrpc.MaxArchiveBytes:
		return &api.Error{Code: api.CodeTooLarge, Message: "The archive is larger than any may be."}
	case len(part.Data) == 0 && a.req.Offset < part.Total, a.req.Offset > 0 && part.Total != a.total:
		return io.ErrUnexpectedEOF
	}
	a.part.Reset(part.Data)
	a.req.Offset, a.total = a.req.Offset+len(part.Data), part.Total
	return nil
}
