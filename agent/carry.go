package agent

import (
	"context"
	"sync"

	"coder.internal/agent/containers"
	"coder.internal/agent/streams"
	"coder.internal/agent/term"
	"coder.internal/api/agentrpc"
	"coder.internal/api/termrpc"
)

// serveStreams serves the agent's own services to streams of replicas.
func (a *Agent) serveStreams(ctx context.Context, wg *sync.WaitGroup, carried *streams.Streams, terms *term.Terminals, boxes *containers.Containers) {
	forTerms, forInspect := carried.Port(termrpc.Port), carried.Port(agentrpc.PortInspect)
	wg.Go(func() {
		if err := terms.Serve(ctx, forTerms); err != nil {
			a.opts.Log.Error("terminals are not served to streams any more", "error", err)
		}
	})
	i := a.newInspector(boxes)
	wg.Go(func() {
		if err := i.serve(ctx, forInspect); err != nil {
			i.log.Error("questions about the machine are not answered to streams any more", "error", err)
		}
	})
}

// carry serves streams that come through the tunnel until ctx ends; the channel
// closes after that. Without them people still get in by ssh.
func (a *Agent) carry(ctx context.Context, node Network, carried *streams.Streams) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l, err := node.Listen(agentrpc.PortStreams)
		if err == nil {
			err = carried.Serve(ctx, l)
		}
		if err != nil && ctx.Err() == nil {
			a.opts.Log.Warn("streams through the tunnel are not served", "error", err)
		}
	}()
	return done
}
