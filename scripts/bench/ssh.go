package main

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

const curve = "KexAlgorithms=curve25519-sha256"

// command is a contender that runs one command line to its end.
func command(what string, s proc.Spec) contender {
	return single(what, func(ctx context.Context) (time.Duration, error) {
		r, err := proc.Run(ctx, s)
		return r.Wall, err
	})
}

// proxy is the ProxyCommand that config-ssh would write.
func (b *bench) proxy(binary string) string {
	return quote(binary) + " ssh --stdio " + workspaceName
}

// quote makes one word for the shell that runs a ProxyCommand, where % is
// special too.
func quote(s string) string {
	return strings.ReplaceAll("'"+strings.ReplaceAll(s, "'", `'\''`)+"'", "%", "%%")
}

// sides returns what the ssh figures need.
func (b *bench) sides(ctx context.Context) (*deployment, *plain.SSHD, error) {
	d, err := b.deployment(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := d.started(ctx); err != nil {
		return nil, nil, err
	}
	sshd, err := b.openssh(ctx)
	return d, sshd, err
}

// ssh measures a new connection with one command: by our client, and by OpenSSH
// through our proxy command.
func (b *bench) ssh(ctx context.Context) error {
	d, sshd, err := b.sides(ctx)
	if err != nil {
		return err
	}
	values, err := rounds(ctx, 2*b.n, 1,
		command("coder ssh", d.client.Spec("ssh", workspaceName, "true")),
		command("ssh", sshd.Client([]string{curve}, "true")),
		command("ssh through coder ssh --stdio", sshd.Through(b.proxy(b.binary), workspaceName, d.client.Env(), []string{curve}, "true")))
	if err != nil {
		return err
	}
	ref := values[1][0].side("ssh localhost true, curve25519-sha256")
	for _, f := range []figure{
		newFigure("coder ssh WS true", "s", values[0][0], &ref, atMost(0.085)),
		newFigure("ssh WS true with ProxyCommand", "s", values[2][0], &ref, atMostPlus(0.020)),
	} {
		if err := b.emit(f); err != nil {
			return err
		}
	}
	return nil
}

// slimSSH is ssh by the small client.
func (b *bench) slimSSH(ctx context.Context) error {
	d, sshd, err := b.sides(ctx)
	if err != nil {
		return err
	}
	slim := d.client.Spec("ssh", workspaceName, "true")
	slim.Path = b.slim
	values, err := rounds(ctx, 2*b.n, 1, command("coder-slim ssh", slim), command("ssh", sshd.Client([]string{curve}, "true")))
	if err != nil {
		return err
	}
	ref := values[1][0].side("ssh localhost true, curve25519-sha256")
	return b.emit(newFigure("coder-slim ssh WS true", "s", values[0][0], &ref, atMost(0.085)))
}

// openConnection measures a command on a connection that is already there.
func (b *bench) openConnection(ctx context.Context) error {
	d, sshd, err := b.sides(ctx)
	if err != nil {
		return err
	}
	dir, err := b.sub("control")
	if err != nil {
		return err
	}
	ours := func(options []string, command ...string) proc.Spec {
		return sshd.Through(b.proxy(b.binary), workspaceName, d.client.Env(), options, command...)
	}
	var contenders []contender
	for i, dial := range []func([]string, ...string) proc.Spec{ours, sshd.Client} {
		socket := "ControlPath=" + filepath.Join(dir, string(rune('a'+i)))
		stop, err := master(ctx, dial, socket, dir)
		if err != nil {
			return err
		}
		defer stop()
		contenders = append(contenders, command("command on an open connection", dial([]string{socket, "ControlMaster=no"}, "true")))
	}
	values, err := rounds(ctx, 4*b.n, 2, contenders...)
	if err != nil {
		return err
	}
	ref := values[1][0].side("the same on plain OpenSSH")
	return b.emit(newFigure("command on an open connection", "s", values[0][0], &ref, atMostTimes(1.05)))
}

// master opens a connection that others share, and returns what closes it.
func master(ctx context.Context, dial func([]string, ...string) proc.Spec, socket, dir string) (func(), error) {
	s := dial([]string{socket, "ControlMaster=yes", "SessionType=none", curve})
	p, err := proc.Start("ssh", filepath.Join(dir, "master.log"), s)
	if err != nil {
		return nil, err
	}
	stop := func() { _ = p.Stop(syscall.SIGTERM, 5*time.Second) } // a late end changes no figure
	check := dial([]string{socket, "ControlMaster=no"}, "true")
	check.Args = append([]string{"-O", "check"}, check.Args...)
	err = proc.Until(ctx, "the shared connection", 20*time.Millisecond, 20*time.Second, func() (bool, error) {
		select {
		case <-p.Done():
			return false, p.Ended()
		default:
		}
		_, err := proc.Run(ctx, check)
		return err == nil, ctx.Err()
	})
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}
