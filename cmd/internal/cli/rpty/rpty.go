// Package rpty is `coder exp rpty`: a terminal of a workspace that outlives the
// one that looks at it, in the terminal at hand.
//
// It owns our own terminal while it runs and puts it back into order. A connection
// that breaks is made again for as long as the agent keeps a terminal without
// viewers; the program does not notice. It never starts a second terminal where
// the first is gone unless the id is new to the agent, which cannot tell.
//
// It ends with the program, when the user leaves (Enter ~ .), when the server
// refuses, or when no connection could be made for too long.
package rpty

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"coder.internal/api"
	"coder.internal/api/termrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/target"
	"coder.internal/internal/wsconn"
)

const (
	// patience is how long we try to come back: what the agent keeps a terminal
	// for that nobody looks at.
	patience = 5 * time.Minute
	// The pause between two tries, from and to.
	minPause, maxPause = 100 * time.Millisecond, 2 * time.Second
	// tryTimeout bounds one try.
	tryTimeout = 20 * time.Second
)

type options struct{ container, user, reconnect string }

// Command is `coder exp rpty`.
func Command(env *cli.Env) *cobra.Command {
	o := options{}
	cmd := &cobra.Command{Use: "rpty <workspace> [command]", Short: "Open a terminal that outlives its window", Args: cli.AtLeast("workspace"),
		Long: "Opens a terminal of the workspace that goes on when the connection breaks, and comes back to it.\n" +
			"Leave it with Enter ~ . (as in ssh), and come back with --reconnect and the id that is printed then."}
	fs := cmd.Flags()
	fs.SetInterspersed(false)
	fs.StringVarP(&o.container, "container", "c", "", "container to open the terminal in")
	fs.StringVarP(&o.user, "container-user", "u", "", "user in that container")
	fs.StringVarP(&o.reconnect, "reconnect", "r", "", "id of the terminal to come back to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// Flags may follow the workspace, up to the first word of the command.
		if rest := args[1:]; len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
			if err := fs.Parse(rest); err != nil {
				return cmd.FlagErrorFunc()(cmd, err)
			}
			args = append(args[:1:1], fs.Args()...)
		}
		return o.run(cmd.Context(), env, args[0], strings.Join(args[1:], " "))
	}
	return cmd
}

func (o *options) run(ctx context.Context, env *cli.Env, arg, command string) error {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return err
	}
	init := termrpc.Init{ID: api.NewID(), Command: command, Container: o.container, ContainerUser: o.user}
	if o.reconnect != "" {
		if init.ID, err = api.ParseID(o.reconnect); err != nil {
			return cli.Usage("reconnect", "give the id of a terminal, as it was printed when you left it.")
		}
	}
	if err := init.Validate(); err != nil {
		return err
	}
	c, err := env.Client(ctx)
	if err != nil {
		return err
	}
	ws, err := target.Find(ctx, c, ref)
	if err == nil {
		ws, err = target.Start(ctx, env, c, ws, true, env.Stderr)
	}
	if err != nil {
		return err
	}
	agent, err := target.Agent(ws, ref.Agent)
	if err != nil {
		return err
	}
	if err := target.Wait(ctx, c, ws, agent, target.Blocks("auto", agent), env.Stderr); err != nil {
		return err
	}
	v := &viewer{env: env, init: init, keys: make(chan string), sizes: make(chan size, 1),
		dial: func(ctx context.Context, init termrpc.Init) (*wsconn.Conn, error) {
			return c.Terminal(ctx, agent.ID, init)
		}}
	left, err := v.run(ctx)
	if left {
		fmt.Fprintf(env.Stderr, "\r\nThe terminal goes on for five minutes. Come back with: coder exp rpty %s --reconnect %s\n", cli.Inert(arg), init.ID)
	}
	return err
}

type size struct{ width, height uint16 }

// viewer is one run: it passes keys and sizes on and shows what comes.
type viewer struct {
	env   *cli.Env
	init  termrpc.Init
	dial  func(context.Context, termrpc.Init) (*wsconn.Conn, error)
	keys  chan string // closed when the user has left
	sizes chan size   // the newest one only
}

// run returns whether the terminal goes on without us, and why it ended else.
func (v *viewer) run(ctx context.Context) (left bool, err error) {
	restore, err := v.prepare()
	if err != nil {
		return false, err
	}
	defer restore()
	rctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); cli.Resizes(rctx, v.measure) }()
	defer func() { cancel(); <-done }()
	// A read of a terminal cannot be interrupted: this goroutine may outlive the
	// viewer, to the end of the process, and then only reads.
	go v.readKeys(rctx)
	return v.follow(ctx)
}

// prepare makes our terminal raw and notes its size.
func (v *viewer) prepare() (restore func(), err error) {
	v.init.Width, v.init.Height = 80, 24
	v.measure()
	select {
	case s := <-v.sizes:
		v.init.Width, v.init.Height = s.width, s.height
	default:
	}
	in, ok := v.env.TerminalIn()
	if !ok {
		return func() {}, nil
	}
	old, err := term.MakeRaw(in)
	if err != nil {
		return nil, fmt.Errorf("set up terminal: %w", err)
	}
	return func() { _ = term.Restore(in, old) }, nil
}

func (v *viewer) measure() {
	out, ok := v.env.TerminalOut()
	if !ok {
		return
	}
	w, h, err := term.GetSize(out)
	if err != nil || w <= 0 || h <= 0 || w > 0xffff || h > 0xffff {
		return
	}
	select {
	case <-v.sizes: // an older one
	default:
	}
	v.sizes <- size{uint16(w), uint16(h)}
}

// follow keeps one connection after the other until there is a reason not to.
func (v *viewer) follow(ctx context.Context) (left bool, err error) {
	clk := v.env.Clock
	lost, pause := clk.Now(), minPause
	for {
		began := clk.Now()
		over, left, err := v.once(ctx)
		if over {
			return left, err
		}
		if connected := !errors.Is(err, errNotConnected); connected {
			lost, pause = clk.Now(), minPause
		}
		if clk.Since(lost) > patience {
			return true, &cli.ExitError{Code: 255, Err: fmt.Errorf("the terminal could not be reached for %s: %w", patience, err)}
		}
		timer := clk.NewTimer(max(0, pause-clk.Since(began)), "rpty", "again")
		select {
		case <-ctx.Done():
			timer.Stop()
			return true, ctx.Err()
		case <-timer.C:
		}
		pause = min(2*pause, maxPause)
	}
}

// errNotConnected says that a try did not come as far as the terminal.
var errNotConnected = errors.New("no connection")

// once is one connection. over says that another is of no use.
func (v *viewer) once(ctx context.Context) (over, left bool, err error) {
	dctx, cancel := context.WithTimeout(ctx, tryTimeout)
	ws, err := v.dial(dctx, v.init)
	cancel()
	if err != nil {
		switch code := api.CodeOf(err); {
		case ctx.Err() != nil:
			return true, true, ctx.Err()
		case code != "" && code != api.CodeUnavailable && code != api.CodeInternal && code != api.CodeRateLimited:
			return true, false, err
		}
		return false, false, errors.Join(errNotConnected, err)
	}
	defer ws.CloseNow() //nolint:errcheck // everything is said
	sctx, stop := context.WithCancel(ctx)
	typed := make(chan bool, 1)
	go func() { typed <- v.send(sctx, ws) }()
	shown, err := v.show(ctx, ws)
	stop()
	if left = <-typed; left {
		return true, true, nil
	}
	if ctx.Err() != nil {
		return true, true, ctx.Err()
	}
	over, err = verdict(err)
	if !over && !shown {
		err = errors.Join(errNotConnected, err)
	}
	return over, false, err
}

// verdict reads why a connection ended.
func verdict(err error) (over bool, _ error) {
	var ce *wsconn.CloseError
	if !errors.As(err, &ce) {
		return false, err
	}
	switch ce.Code {
	case wsconn.CodeNormal:
		code, ok := termrpc.ExitCode(ce.Reason)
		if !ok {
			return false, err
		}
		if code != 0 {
			return true, &cli.ExitError{Code: code}
		}
		return true, nil
	case wsconn.CodePolicy, wsconn.CodeProtocol, wsconn.CodeTooBig:
		return true, errors.New(cli.Inert(ce.Reason))
	}
	return false, err
}

// show writes what comes to our terminal. It reports whether anything came.
func (v *viewer) show(ctx context.Context, ws *wsconn.Conn) (shown bool, err error) {
	for {
		p, err := ws.ReadRaw(ctx)
		if err != nil {
			return shown, err
		}
		shown = true
		if _, err := v.env.Stdout.Write(p); err != nil {
			return shown, fmt.Errorf("write to the terminal: %w", err)
		}
	}
}

// send passes on what is typed and the size until ctx ends. It returns true, and
// ends the connection, when the user has left.
func (v *viewer) send(ctx context.Context, ws *wsconn.Conn) (left bool) {
	for {
		var in termrpc.Input
		select {
		case <-ctx.Done():
			return false
		case s := <-v.sizes:
			v.init.Width, v.init.Height = s.width, s.height
			in.Width, in.Height = s.width, s.height
		case text, ok := <-v.keys:
			if !ok {
				_ = ws.Close(wsconn.CodeNormal, "")
				return true
			}
			in.Data = text
		}
		if err := ws.Write(ctx, in); err != nil {
			_ = ws.CloseNow() // the reader reports
			return false
		}
	}
}
