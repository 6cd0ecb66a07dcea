package stats

import (
	"context"
	"os"
	"time"

	"coder.internal/api/agentrpc"
	"coder.internal/internal/machine"
)

const (
	monitorInterval = 10 * time.Second
	// alarmAfter and calmAfter are how many samples in a row change the state: a
	// peak of half a minute is no alarm, and a pause of two minutes not its end.
	alarmAfter = 4
	calmAfter  = 12
	// calmBelow is how far below the threshold usage has to be, in percent of all,
	// to count as calm. What hovers around the threshold changes nothing.
	calmBelow = 5
)

// threshold is the state machine of one watched resource. The zero value with a
// limit is ok.
type threshold struct {
	limit int // percent
	nok   bool
	row   int // samples in a row that speak for the other state
}

// take takes a sample in percent and reports whether the state changed by it.
func (t *threshold) take(percent int) bool {
	other, need := percent >= t.limit, alarmAfter
	if t.nok {
		other, need = percent < max(1, t.limit-calmBelow), calmAfter
	}
	if !other {
		t.row = 0
		return false
	}
	if t.row++; t.row < need {
		return false
	}
	t.nok, t.row = !t.nok, 0
	return true
}

func (t *threshold) state() string {
	if t.nok {
		return agentrpc.MonitorNOK
	}
	return agentrpc.MonitorOK
}

// watchMonitors samples all watched resources and reports changes of their
// states, and the first state of each: the server may know another one of an
// earlier process. A resource that cannot be read is left out with one warning.
func (w *Watcher) watchMonitors(ctx context.Context) {
	type watched struct {
		path string
		threshold
		told, failed bool
		calm         int // samples without an alarm, until the first report
	}
	var all []*watched
	if m := w.opts.Monitors.Memory; m != nil && m.Enabled {
		all = append(all, &watched{threshold: threshold{limit: m.Threshold}})
	}
	for _, v := range w.opts.Monitors.Volumes {
		if v.Enabled && v.Path != "" {
			all = append(all, &watched{path: v.Path, threshold: threshold{limit: v.Threshold}})
		}
	}
	if len(all) == 0 {
		return
	}
	tick := w.opts.Clock.NewTicker(monitorInterval, "monitors")
	defer tick.Stop()
	for {
		for _, m := range all {
			percent, err := w.usage(m.path)
			if err != nil {
				if !m.failed {
					w.opts.Log.Warn("watched resource cannot be read", "path", m.path, "error", err)
				}
				m.failed, m.row = true, 0
				continue
			}
			m.failed = false
			m.calm++
			if m.take(percent) || !m.told && m.calm >= calmAfter {
				m.told = true
				w.putMonitor(agentrpc.MonitorState{Path: m.path, State: m.state(), UsedPercent: percent})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// usage is the used share of the volume at path, or of the memory, in percent.
func (w *Watcher) usage(path string) (int, error) {
	if w.opts.Usage != nil {
		return w.opts.Usage(path)
	}
	if path != "" {
		return percent(machine.Disk(path))
	}
	r := machine.Reader{Root: os.DirFS("/")}
	// The limit of the container is what kills; without one it is the machine's.
	if f, err := r.GroupMemory(); err == nil && f.Total != nil {
		return percent(f, nil)
	}
	return percent(r.HostMemory())
}

func percent(f machine.Figure, err error) (int, error) {
	if err != nil || f.Total == nil || *f.Total <= 0 {
		return 0, err
	}
	return min(100, max(0, int(f.Used / *f.Total * 100))), nil
}
