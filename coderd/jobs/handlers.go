package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/wsconn"
)

// Streams ping the peer every pingEvery.
const (
	pingEvery  = 15 * time.Second
	pingMisses = 2
)

// maxLogRows is more than the byte limit of one job allows.
const maxLogRows = 1 << 18

// Subject finds the job of a request and checks that the caller of ctx may read
// its logs.
type Subject func(ctx context.Context, r *http.Request) (jobID api.ID, err error)

// logQuery is the query string of a log route.
type logQuery struct {
	before, after int64
	follow, text  bool
}

func parseLogQuery(r *http.Request) (logQuery, error) {
	var q logQuery
	v := r.URL.Query()
	for _, f := range []struct {
		name string
		to   *int64
	}{{"before", &q.before}, {"after", &q.after}} {
		s := v.Get(f.name)
		if s == "" {
			continue
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return q, api.Invalid(f.name, "must be the id of a log line, 0 or more")
		}
		*f.to = n
	}
	switch v.Get("format") {
	case "", "json":
	case "text":
		q.text = true
	default:
		return q, api.Invalid("format", `must be "json" or "text"`)
	}
	// The reference takes a bare "follow" for true.
	if v.Has("follow") && v.Get("follow") != "" {
		on, err := strconv.ParseBool(v.Get("follow"))
		if err != nil {
			return q, api.Invalid("follow", "must be true or false")
		}
		q.follow = on
	} else {
		q.follow = v.Has("follow")
	}
	switch {
	case q.follow && q.text:
		return q, api.Invalid("format", "text cannot be followed; ask for json")
	case q.follow && q.before != 0:
		return q, api.Invalid("before", "cannot be combined with follow")
	}
	return q, nil
}

// LogsHandler answers GET …/logs?before&after&follow&format of any object with a
// job: a list, plain text, or, with follow, a websocket that carries one line as
// one JSON message and closes normally at the end.
func (q *Queue) LogsHandler(a *httpapi.API, subject Subject) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Who may not see the object hears nothing about the query.
		jobID, err := subject(r.Context(), r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		query, err := parseLogQuery(r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		if query.follow {
			q.serveFollow(a, w, r, subject, jobID, query.after)
			return
		}
		lines, err := q.Logs(r.Context(), jobID, query.after, query.before, maxLogRows)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		if query.text {
			writeText(w, lines)
			return
		}
		httpapi.WriteJSON(w, http.StatusOK, lines)
	})
}

func writeText(w http.ResponseWriter, lines []api.ProvisionerJobLog) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for _, l := range lines {
		if _, err := io.WriteString(w, textLine(l)); err != nil {
			return // the client is gone
		}
	}
}

// textLine is one line for people: time, level, source, stage, output.
func textLine(l api.ProvisionerJobLog) string {
	return fmt.Sprintf("%s [%s] [%s|%s] %s\n", l.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		l.Level, l.Source, l.Stage, strings.TrimRight(l.Output, "\r\n"))
}

// errPeerGone ends the parts of a stream whose client left.
var errPeerGone = errors.New("peer is gone")

// serveFollow owns a websocket until its job ends, the client leaves, or the
// caller may not see it any more.
func (q *Queue) serveFollow(a *httpapi.API, w http.ResponseWriter, r *http.Request, subject Subject, jobID api.ID, after int64) {
	conn, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
	if err != nil {
		return // Accept has answered
	}
	group, ctx := errgroup.WithContext(r.Context())
	readCtx, stopReading := context.WithCancel(context.WithoutCancel(r.Context()))
	closed := make(chan struct{})
	go func() { // ends with the connection, which is closed below
		defer close(closed)
		for {
			var ignored json.RawMessage
			if conn.Read(readCtx, &ignored) != nil {
				return
			}
		}
	}()
	group.Go(func() error {
		err := q.Follow(ctx, jobID, after, func(lines []api.ProvisionerJobLog) error {
			for _, l := range lines {
				if err := conn.Write(ctx, l); err != nil {
					return errPeerGone
				}
			}
			return nil
		})
		if err == nil {
			err = io.EOF // the end: stops the others
		}
		return err
	})
	group.Go(func() error { return conn.Ping(ctx, pingEvery, pingMisses, nil) })
	group.Go(func() error { return q.readmit(ctx, a, r, subject) })
	group.Go(func() error {
		select {
		case <-closed:
			return errPeerGone
		case <-ctx.Done():
			return nil
		}
	})
	err = group.Wait()
	q.hangUp(conn, jobID, err)
	stopReading()
	<-closed
}

// hangUp closes a stream with the code that fits how it ended.
func (q *Queue) hangUp(conn *wsconn.Conn, jobID api.ID, err error) {
	switch {
	case errors.Is(err, io.EOF):
		_ = conn.Close(wsconn.CodeNormal, "") // all is sent; the peer may be gone
	case errors.Is(err, errPeerGone):
		_ = conn.CloseNow()
	case api.CodeOf(err) != "":
		_ = conn.Close(wsconn.CodePolicy, "access to this stream has ended")
	case errors.Is(err, context.Canceled):
		_ = conn.Close(wsconn.CodeGoingAway, "server is stopping; follow again after the last id")
	default:
		q.log.LogAttrs(context.Background(), slog.LevelWarn, "log stream broke",
			slog.String("job_id", jobID.String()), slog.String("error", err.Error()))
		_ = conn.Close(wsconn.CodeTryLater, "stream broke; follow again after the last id")
	}
}

// readmit checks caller and right again and again; an error ends the stream.
func (q *Queue) readmit(ctx context.Context, a *httpapi.API, r *http.Request, subject Subject) error {
	return httpapi.UntilRevoked(ctx, q.opts.Clock, a.Recheck(r, func(again context.Context) error {
		_, err := subject(again, r)
		return err
	}))
}
