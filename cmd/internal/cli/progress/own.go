package progress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// cancelTimeout bounds the request that cancels a build.
const cancelTimeout = 10 * time.Second

// Own is Build for a build that this command has started: when the user ends the
// command (Ctrl-C), the build is cancelled and followed to its end. A second time
// its processes are killed and the command ends.
func Own(ctx context.Context, env *cli.Env, c *client.Client, b api.WorkspaceBuild, w io.Writer) (api.WorkspaceBuild, error) {
	following, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ended:
		case <-ctx.Done():
			cancelOnSignals(following, env, c, b, ended, leave)
		}
	}()
	out, err := Build(following, env, c, b, w)
	close(ended)
	<-watched
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = ctx.Err()
	}
	return out, err
}

// cancelOnSignals is the part of Own after the first signal. The frame of the
// command has given up on signals by then, so the next ones are ours.
func cancelOnSignals(ctx context.Context, env *cli.Env, c *client.Client, b api.WorkspaceBuild, ended <-chan struct{}, leave func()) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	ask := func(what func(context.Context, api.ID) error) {
		ctx, stop := context.WithTimeout(ctx, cancelTimeout)
		defer stop()
		// A build that has just ended cannot be cancelled, and need not be.
		if err := what(ctx, b.ID); err != nil && api.CodeOf(err) != api.CodeConflict {
			fmt.Fprintf(env.Stderr, "The build could not be cancelled: %v\n", err)
		}
	}
	fmt.Fprintln(env.Stderr, "Cancelling the build. Press Ctrl-C again to kill it and leave.")
	ask(c.CancelBuild)
	select {
	case <-ended:
	case <-again:
		fmt.Fprintln(env.Stderr, "Killing the build.")
		ask(c.ForceCancelBuild)
		leave()
	}
}
