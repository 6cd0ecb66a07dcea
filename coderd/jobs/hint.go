package jobs

import (
	"context"
	"encoding/json"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database/pubsub"
)

// maxWatches is how many jobs one connection gets hints for. A daemon works on
// one at a time; of more, the newest count.
const maxWatches = 4

// watch is a job whose cancel a connection tells its daemon of at once. It begins
// with what the daemon does with the job over this connection, so that the first
// call after a reconnect begins it again.
type watch struct {
	job  api.ID
	stop context.CancelFunc
}

// follow begins to push hints for a job, until ctx, the connection's, ends or
// forget is called. The caller knows that the daemon holds an attempt of the job.
func (x *wire) follow(ctx context.Context, job api.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range x.watched {
		if w.job == job {
			return
		}
	}
	if len(x.watched) == maxWatches {
		x.watched[0].stop()
		x.watched = x.watched[1:]
	}
	watching, stop := context.WithCancel(ctx)
	x.watched = append(x.watched, watch{job: job, stop: stop})
	sub := x.s.q.opts.PubSub.Subscribe(pubsub.TopicCancel(job))
	x.calls.Go(func() {
		defer sub.Close()
		for {
			select {
			case <-watching.Done():
				return
			case <-sub.C():
			}
			if err := x.push(ctx, job); err != nil {
				_ = x.ws.CloseNow()
				return
			}
		}
	})
}

// forget ends the hints for a job.
func (x *wire) forget(job api.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, w := range x.watched {
		if w.job == job {
			w.stop()
			x.watched = append(x.watched[:i:i], x.watched[i+1:]...)
			return
		}
	}
}

// push sends one hint.
func (x *wire) push(ctx context.Context, job api.ID) error {
	params, err := json.Marshal(jobrpc.CancelHint{JobID: job})
	if err != nil {
		return err
	}
	text, err := json.Marshal(jobrpc.Request{Method: jobrpc.MethodCancelHint, Params: params})
	if err != nil {
		return err
	}
	return jobrpc.Cut(jobrpc.PushID, text, func(f jobrpc.Frame) error { return x.ws.Write(ctx, f) })
}
