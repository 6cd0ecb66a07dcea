package stats

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
	"unicode/utf8"

	"coder.internal/agent/child"
	"coder.internal/api/agentrpc"
)

const (
	defaultTimeout = 5 * time.Second
	pipeDelay      = time.Second
)

// watchItem measures at once and then on the item's interval, zero meaning once.
func (w *Watcher) watchItem(ctx context.Context, item agentrpc.MetadataItem) {
	var last *agentrpc.MetadataValue
	measure := func() {
		select {
		case w.slots <- struct{}{}:
			defer func() { <-w.slots }()
		case <-ctx.Done():
			return
		}
		v := w.measure(ctx, item)
		if ctx.Err() != nil || (last != nil && last.Value == v.Value && last.Error == v.Error) {
			return
		}
		last = &v
		w.putValue(v)
	}
	measure()
	if item.Interval <= 0 {
		return
	}
	tick := w.opts.Clock.NewTicker(time.Duration(item.Interval)*time.Second, "metadata")
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			measure()
		}
	}
}

func (w *Watcher) measure(ctx context.Context, item agentrpc.MetadataItem) agentrpc.MetadataValue {
	timeout := time.Duration(item.Timeout) * time.Second
	if timeout <= 0 {
		timeout = max(defaultTimeout, time.Duration(item.Interval)*time.Second)
	}
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	shell := w.opts.Account.Shell
	args := child.ShellArgs(shell, item.Script)
	cmd := exec.CommandContext(timed, args[0], args[1:]...)
	cmd.Dir = w.opts.Account.Directory(w.opts.Directory)
	cmd.Env = w.opts.Environ
	cmd.WaitDelay = pipeDelay
	child.Group(cmd)
	cmd.Cancel = func() error { return child.Kill(cmd.Process) }
	out := &head{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Start()
	if err == nil {
		w.opts.Account.Priority.Apply(cmd.Process)
		err = cmd.Wait()
	}
	v := agentrpc.MetadataValue{Key: item.Key, Value: out.text(), CollectedAt: w.opts.Clock.Now()}
	switch {
	case timed.Err() == context.DeadlineExceeded:
		v.Error = fmt.Sprintf("The script did not end within %s.", timeout)
	case err != nil && cmd.ProcessState != nil && cmd.ProcessState.Success():
		// A child kept the output open; the value is there.
	case err != nil:
		v.Error = fmt.Sprintf("The script ended with %v.", err)
	}
	return v
}

// head keeps the first agentrpc.MaxMetadataValue bytes and swallows the rest.
type head struct{ b bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	if room := agentrpc.MaxMetadataValue - h.b.Len(); room > 0 {
		h.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// text is valid UTF-8 of at most the limit, without control characters but for
// line ends and tabs.
func (h *head) text() string {
	s := strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\n' && r != '\t') || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, h.b.String())
	return strings.TrimSpace(s)
}
