package terraform

import (
	"context"
	"os"
	"time"

	"coder.internal/provisionerd"
)

// watchInterval is how often the state file is looked at while Terraform runs; a
// look is one stat call. An agent that a template starts may call the server as
// soon as its token is in the state, so the server should know it by then.
const watchInterval = 25 * time.Millisecond

// watcher hands over each whole state that Terraform writes.
type watcher struct {
	p    *Provisioner
	s    provisionerd.Session
	mod  time.Time
	size int64
	// marked says that the last state handed over has unfinished resources.
	marked bool
}

// watch looks at the state file until ctx ends, and once more after that.
func (p *Provisioner) watch(ctx context.Context, s provisionerd.Session) {
	w := &watcher{p: p, s: s}
	if info, err := os.Lstat(p.stateFile()); err == nil {
		w.mod, w.size = info.ModTime(), info.Size() // the one we put there
	}
	t := p.opts.Clock.NewTicker(watchInterval, "state")
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			if w.marked {
				w.size = -1 // what was unfinished then may be finished now
			}
			w.look()
			return
		case <-t.C:
			w.look()
		}
	}
}

// look reads the file if it changed. A file that is being written is not whole
// yet and will be looked at again.
func (w *watcher) look() {
	info, err := os.Lstat(w.p.stateFile())
	if err != nil || info.ModTime().Equal(w.mod) && info.Size() == w.size {
		return
	}
	b, state := w.p.readState()
	if state == nil {
		return
	}
	w.mod, w.size = info.ModTime(), info.Size()
	b, w.marked = w.p.unfinished.mark(b)
	w.keep(b)
	w.s.State(b, state.agentTokens())
}

// keep writes a copy that a killed Terraform cannot have cut short.
func (w *watcher) keep(b []byte) {
	tmp := w.p.lastState() + ".new"
	err := os.WriteFile(tmp, b, 0o600)
	if err == nil {
		err = os.Rename(tmp, w.p.lastState())
	}
	if err != nil {
		w.p.log.Warn("keep a copy of the state", "error", err)
	}
}
