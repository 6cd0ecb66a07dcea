package agent

import (
	"context"
	"sync/atomic"
	"time"

	"coder.internal/agent/sshd"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// maxPendingReports bounds the reports that wait for the server. More are lost: the
// log is for people, and sessions go before it.
const maxPendingReports = 1024

// reportAfter is how much later than the thing itself its report goes. A command's
// first milliseconds belong to the command: the call, and what the server and its
// database do for it, would take its processor.
const reportAfter = 250 * time.Millisecond

// connections reports who is connected, in order.
type connections struct {
	a    *Agent
	wait chan pendingReport
	lost atomic.Int64
}

// pendingReport is not sent before due, which is of the real time: reports have
// an order and no deadline.
type pendingReport struct {
	agentrpc.Connection
	due time.Time
}

func newConnections(a *Agent) *connections {
	return &connections{a: a, wait: make(chan pendingReport, maxPendingReports)}
}

// report implements sshd.Report.
func (c *connections) report(b sshd.Beginning) func(int, string) {
	r := agentrpc.Connection{ID: api.NewID(), Action: agentrpc.ConnectionBegan, Type: b.Type, IP: b.IP, Target: cut(b.Target)}
	if !c.put(r) {
		return func(int, string) {} // what never began does not end
	}
	return func(code int, reason string) {
		r.Action, r.ExitCode, r.Reason = agentrpc.ConnectionEnded, code, reason
		c.put(r)
	}
}

// maxTarget is what a Connection may hold.
const maxTarget = 300

func cut(s string) string { return s[:min(len(s), maxTarget)] }

func (c *connections) put(r agentrpc.Connection) bool {
	select {
	case c.wait <- pendingReport{r, time.Now().Add(reportAfter)}:
		return true
	default:
		c.lost.Add(1)
		return false
	}
}

// start begins to report; the returned function ends that, when nobody is connected
// any more. It outlives ctx.
func (c *connections) start(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// run sends until ctx ends, and then, for a moment, what is left.
func (c *connections) run(ctx context.Context) {
	left := c.sendUntil(ctx)
	if left == nil && len(c.wait) == 0 {
		return
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastReports)
	defer cancel()
	if left != nil && !c.send(last, *left) {
		return
	}
	for {
		select {
		case r := <-c.wait:
			if !c.send(last, r) {
				return
			}
		default:
			return
		}
	}
}

// lastReports bounds what a stopping agent still says about connections.
const lastReports = 2 * time.Second

// sendUntil returns what was not delivered when ctx ended, if anything.
func (c *connections) sendUntil(ctx context.Context) *pendingReport {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-c.wait:
			if !until(ctx, r.due) || !c.send(ctx, r) {
				return &r
			}
		}
	}
}

// until returns false when ctx ended before then.
func until(ctx context.Context, then time.Time) bool {
	timer := time.NewTimer(time.Until(then))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// send returns false when ctx ended before there was an answer.
func (c *connections) send(ctx context.Context, r pendingReport) bool {
	if n := c.lost.Swap(0); n > 0 {
		c.a.opts.Log.Warn("reports of connections were lost", "reports", n)
	}
	err := c.a.deliver(ctx, "connection", func(ctx context.Context) error { return c.a.opts.Client.PostConnection(ctx, r.Connection) })
	if err != nil && ctx.Err() == nil { // a server of an earlier release does not know the call
		c.a.opts.Log.Debug("report of a connection refused", "error", err)
		return true
	}
	return err == nil
}
