package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
)

// echoes is how many keystrokes one value is the mean of.
const echoes = 200

// terminal measures a terminal in the browser: how soon its picture with 10,000
// lines of scroll-back is there again, and how long a keystroke takes to be seen.
func (b *bench) terminal(ctx context.Context) error {
	d, sshd, err := b.sides(ctx)
	if err != nil {
		return err
	}
	agent, err := d.client.Connected(ctx, d.workspace.LatestBuild.ID)
	if err != nil {
		return err
	}
	if err := b.reattach(ctx, d.client, agent.ID); err != nil {
		return err
	}
	return b.keystrokes(ctx, d.client, agent.ID, sshd)
}

func (b *bench) reattach(ctx context.Context, c *deploy.Client, agent api.ID) error {
	id := api.NewID()
	const mark = "<the end>"
	attach := single("terminal again", func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		t, err := c.Terminal(ctx, agent, id, `seq -f 'line %g of a long log, as long as such lines are' 11000; echo "<the"" end>"; exec cat`)
		if err != nil {
			return 0, err
		}
		defer t.Close()
		err = t.Await(ctx, mark)
		return time.Since(start), err
	})
	values, err := rounds(ctx, 4*b.n, 2, attach)
	if err != nil {
		return err
	}
	return b.emit(newFigure("terminal restored, 10,000 lines", "s", values[0][0], nil, atMost(0.2)))
}

// echoing is a program that sends back what is typed.
const echoing = "stty raw -echo; echo ready; exec cat"

func (b *bench) keystrokes(ctx context.Context, c *deploy.Client, agent api.ID, sshd *plain.SSHD) error {
	t, err := c.Terminal(ctx, agent, api.NewID(), echoing)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := t.Await(ctx, "ready"); err != nil {
		return err
	}
	ours := single("keystroke in terminal", func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		for range echoes {
			if err := errors.Join(t.Type(ctx, "x"), t.Await(ctx, "x")); err != nil {
				return 0, err
			}
		}
		return time.Since(start) / echoes, nil
	})
	plainly, stop, err := openSSHEcho(ctx, sshd)
	if err != nil {
		return err
	}
	defer stop()
	values, err := rounds(ctx, 2*b.n, 1, ours, plainly)
	if err != nil {
		return err
	}
	ref := values[1][0].side("ssh -tt localhost, curve25519-sha256")
	return b.emit(newFigure("terminal keystroke until seen", "s", values[0][0], &ref))
}

// openSSHEcho is the same through ssh -tt.
func openSSHEcho(ctx context.Context, sshd *plain.SSHD) (contender, func(), error) {
	s := sshd.Client([]string{curve, "RequestTTY=force"}, echoing)
	cmd := exec.CommandContext(ctx, s.Path, s.Args...)
	cmd.Dir, cmd.Env = s.Dir, s.Env
	in, err := cmd.StdinPipe()
	if err != nil {
		return contender{}, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return contender{}, nil, err
	}
	if err := cmd.Start(); err != nil {
		return contender{}, nil, fmt.Errorf("start ssh: %w", err)
	}
	stop := func() {
		_ = cmd.Process.Kill() // it has no end of its own
		_ = cmd.Wait()
	}
	one := make([]byte, 1)
	for one[0] != '\n' { // the line that says ready
		if _, err := io.ReadFull(out, one); err != nil {
			stop()
			return contender{}, nil, fmt.Errorf("start ssh: %w", err)
		}
	}
	return single("keystroke in ssh -tt", func(context.Context) (time.Duration, error) {
		start := time.Now()
		for range echoes {
			if _, err := in.Write([]byte("x")); err != nil {
				return 0, err
			}
			if _, err := io.ReadFull(out, one); err != nil {
				return 0, err
			}
		}
		return time.Since(start) / echoes, nil
	}), stop, nil
}
