package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/users"
	"coder.internal/internal/wsconn"
)

// A daemon's connection is pinged every wirePing and given up after two misses;
// its credential is looked at every wireReadmit, also while nothing is asked.
const (
	wirePing    = 8 * time.Second
	wireReadmit = 15 * time.Second
	farewell    = 5 * time.Second
)

// ServeHandler answers GET …/provisionerdaemons/serve: the websocket of an
// external daemon, see jobrpc.Frame.
func (q *Queue) ServeHandler(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := q.introduce(r)
		leave := func() {}
		if err == nil {
			leave, err = q.seat(who)
		}
		if err == nil {
			defer leave()
			err = q.enroll(r.Context(), who)
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: jobrpc.MaxFrameBytes})
		if err != nil {
			return // answered already
		}
		s := &session{q: q, who: who, live: q.liveness(a, r, who)}
		log := q.log.With("daemon", who.name, "daemon_id", who.daemon.String(), "key_name", who.keyName)
		log.Info("daemon connected")
		err = (&wire{s: s, ws: ws, log: log, open: map[int64]context.CancelFunc{}}).run(r.Context())
		log.Info("daemon disconnected", "error", err)
		var closed *wsconn.CloseError
		if errors.As(err, &closed) && closed.Code == wsconn.CodeNormal {
			q.retire(r.Context(), who)
		}
	})
}

// Most connections of one credential at a time, on one replica.
const (
	maxSeats     = 500
	maxUserSeats = 4
)

// seat counts a connection until leave is called, and refuses one too many.
func (q *Queue) seat(who caller) (leave func(), err error) {
	most, c := maxSeats, who.credential()
	if who.keyName == api.ProvisionerKeyUserAuth && who.tags[api.TagScope] == api.ScopeUser {
		most = maxUserSeats
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.seats[c] >= most {
		return nil, &api.Error{Code: api.CodeRateLimited,
			Message: "Too many provisioner daemons are connected with this credential. Stop one of them."}
	}
	q.seats[c]++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.seats[c]--; q.seats[c] == 0 {
			delete(q.seats, c)
		}
	}, nil
}

// introduce reads who calls and what its credential allows.
func (q *Queue) introduce(r *http.Request) (caller, error) {
	var who caller
	v := r.URL.Query()
	org, err := users.LookupOrganization(r.Context(), q.opts.DB.Queries, chi.URLParam(r, "organization"))
	if err != nil {
		return who, err
	}
	if err := mayServe(r.Context(), org.ID); err != nil {
		return who, err
	}
	id, err := api.ParseID(v.Get(jobrpc.ParamDaemonID))
	if err != nil {
		return who, api.Invalid(jobrpc.ParamDaemonID, "must be the id of the daemon")
	}
	version := v.Get(jobrpc.ParamAPIVersion)
	if major, _, _ := strings.Cut(jobrpc.WireVersion, "."); version != major && !strings.HasPrefix(version, major+".") {
		return who, api.Invalid(jobrpc.ParamAPIVersion, "this server speaks version "+jobrpc.WireVersion+"; use a daemon of a release that fits")
	}
	offered, err := parseTags(v[jobrpc.ParamTag])
	if err != nil {
		return who, err
	}
	who = caller{org: org.ID, daemon: id, name: v.Get(jobrpc.ParamDaemonName),
		version: CleanText(v.Get(jobrpc.ParamVersion), maxName), apiVersion: CleanText(version, maxName)}
	if who, err = q.vouch(r.Context(), who, offered); err != nil {
		return who, err
	}
	return who, who.check()
}

// parseTags reads KEY=VALUE pairs.
func parseTags(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range pairs {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, api.Invalid(jobrpc.ParamTag, "must be KEY=VALUE")
		}
		out[k] = v
	}
	if len(out) > maxTags {
		return nil, api.Invalid(jobrpc.ParamTag, "there are too many")
	}
	return out, nil
}

// enroll puts the daemon on the list, where its name must be free, and on record.
func (q *Queue) enroll(ctx context.Context, who caller) error {
	tags, err := encodeTags(who.tags)
	if err != nil {
		return err
	}
	if err := q.register(ctx, seek{caller: who, tags: tags}); err != nil {
		return err
	}
	return audit.Record(ctx, q.opts.DB.Queries, audit.Entry{Action: audit.Connect, ResourceType: "provisioner_daemon",
		ResourceID: who.daemon, Target: who.name + " (" + who.keyName + ")", OrganizationID: who.org,
		StatusCode: http.StatusSwitchingProtocols})
}

// liveness returns the check of the credential of an open connection. A database
// that does not answer takes no right away, but answers no call either.
func (q *Queue) liveness(a *httpapi.API, r *http.Request, who caller) func(context.Context) error {
	if _, keyed := httpmw.DaemonFrom(r.Context()); keyed {
		return func(ctx context.Context) error {
			if who.keyID == nil {
				return nil // the pre-shared key changes with a restart alone
			}
			ok, err := q.opts.DB.ProvisionerKeyExists(ctx, *who.keyID)
			if err == nil && !ok {
				return errDaemonCredential
			}
			return err
		}
	}
	offered := map[string]string{api.TagScope: who.tags[api.TagScope]}
	return func(ctx context.Context) error {
		again, err := a.ReadmitDaemon(r.WithContext(ctx))
		if err != nil {
			return err
		}
		_, err = q.vouchPerson(again, who, offered)
		return err
	}
}

// retire marks a daemon that said goodbye as offline. A failure heals by itself.
func (q *Queue) retire(ctx context.Context, who caller) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := q.retireDaemon(ctx, who); err != nil {
		q.log.Warn("daemon's goodbye not stored", "daemon_id", who.daemon.String(), "error", err)
	}
}

// wire is one connection of a daemon.
type wire struct {
	s   *session
	ws  *wsconn.Conn
	log *slog.Logger

	calls sync.WaitGroup // and watches
	mu    sync.Mutex
	open  map[int64]context.CancelFunc // by id of the call
	// watched are the jobs whose cancel the daemon hears of at once, oldest first.
	watched []watch
}

// run serves calls until the connection or the credential ends, and returns why.
func (x *wire) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	x.s.held, x.s.released = func(job api.ID) { x.follow(ctx, job) }, x.forget
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := x.ws.Ping(ctx, wirePing, 2, nil); err != nil {
			cancel(err)
		}
	})
	parts.Go(func() { cancel(x.watch(ctx)) })
	err := x.read(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(err)
	parts.Wait()
	x.calls.Wait()
	_ = x.ws.CloseNow()
	return err
}

// watch ends the connection when the credential does, or the server stops.
func (x *wire) watch(ctx context.Context) error {
	sub := x.s.q.opts.PubSub.Subscribe(topicDaemonKeys)
	defer sub.Close()
	tick := x.s.q.opts.Clock.NewTicker(wireReadmit)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sub.C():
		case <-tick.C:
		}
		if err := x.s.live(ctx); err != nil && api.CodeOf(err) != "" {
			_ = x.ws.Close(wsconn.CodePolicy, "the credential of this daemon has ended")
			return err
		}
	}
}

// read takes frames until the connection ends.
func (x *wire) read(ctx context.Context) error {
	var join jobrpc.Joiner
	for {
		var f jobrpc.Frame
		if err := x.ws.Read(ctx, &f); err != nil {
			return err
		}
		message, err := join.Add(f)
		if err == nil && message != nil {
			err = x.accept(ctx, f.ID, message)
		}
		if err != nil {
			_ = x.ws.Close(wsconn.CodeProtocol, err.Error())
			return err
		}
	}
}

// accept starts a call. An error ends the connection.
func (x *wire) accept(ctx context.Context, id int64, message []byte) error {
	var req jobrpc.Request
	if err := json.Unmarshal(message, &req); err != nil {
		return errors.New("message is not a request")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if req.Method == jobrpc.MethodCancel {
		var c jobrpc.CancelRequest
		if err := json.Unmarshal(req.Params, &c); err != nil {
			return errors.New("cancel names no call")
		}
		if stop := x.open[c.ID]; stop != nil {
			stop()
		}
		return nil
	}
	if _, taken := x.open[id]; taken || len(x.open) >= jobrpc.MaxOpenCalls {
		return errors.New("too many calls, or one id twice")
	}
	callCtx, stop := context.WithCancel(ctx)
	x.open[id] = stop
	x.calls.Go(func() {
		defer func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			delete(x.open, id)
			stop()
		}()
		x.answer(ctx, callCtx, id, req)
	})
	return nil
}

// answer makes a call and sends its response.
func (x *wire) answer(conn, call context.Context, id int64, req jobrpc.Request) {
	var res jobrpc.Response
	result, err := x.dispatch(call, req)
	if err == nil {
		res.Result, err = json.Marshal(result)
	}
	if err != nil {
		res = jobrpc.Response{Error: x.told(req.Method, err)}
	}
	text, err := json.Marshal(res)
	if err == nil {
		err = jobrpc.Cut(id, text, func(f jobrpc.Frame) error { return x.ws.Write(conn, f) })
	}
	if err != nil {
		_ = x.ws.CloseNow() // the daemon sends it again over another connection
	}
}

// told is what a daemon hears of an error.
func (x *wire) told(method string, err error) *api.Error {
	var known *api.Error
	if errors.As(err, &known) {
		return known
	}
	if !errors.Is(err, context.Canceled) {
		x.log.Warn("call of a daemon failed", "method", method, "error", err)
	}
	return &api.Error{Code: api.CodeUnavailable, Message: "The server could not do this now; its log has the cause. Try again."}
}

func (x *wire) dispatch(ctx context.Context, req jobrpc.Request) (any, error) {
	switch req.Method {
	case jobrpc.MethodAcquire:
		return call(ctx, req.Params, x.s.acquire)
	case jobrpc.MethodUpdate:
		return call(ctx, req.Params, x.s.update)
	case jobrpc.MethodComplete:
		return call(ctx, req.Params, nothing(x.s.complete))
	case jobrpc.MethodFail:
		return call(ctx, req.Params, nothing(x.s.fail))
	case jobrpc.MethodArchive:
		return call(ctx, req.Params, x.s.archive)
	case jobrpc.MethodModules:
		return call(ctx, req.Params, x.s.modules)
	case jobrpc.MethodKeepModules:
		return call(ctx, req.Params, nothing(x.s.keepModules))
	case jobrpc.MethodQuota:
		return call(ctx, req.Params, x.s.quota)
	}
	return nil, &api.Error{Code: api.CodeUnsupported, Message: "This server does not know the call; upgrade it."}
}

// call decodes the parameters of f.
func call[P, R any](ctx context.Context, params json.RawMessage, f func(context.Context, P) (R, error)) (any, error) {
	var p P
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, api.Invalid("params", "are not those of this call")
	}
	return f(ctx, p)
}

func nothing[P any](f func(context.Context, P) error) func(context.Context, P) (*struct{}, error) {
	return func(ctx context.Context, p P) (*struct{}, error) { return nil, f(ctx, p) }
}
