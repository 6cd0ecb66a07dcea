package terraform

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"coder.internal/provisionerd"
)

// Limits bound what one job may use. Zero means the default, negative none.
type Limits struct {
	Time      time.Duration // from the start of the job; 1 h
	Disk      int64         // bytes below the job's directories; 5 GiB
	Memory    int64         // bytes of RAM of all its processes; 4 GiB
	Processes int           // 2000
}

// Defaults of Limits.
const (
	DefaultJobTime      = time.Hour
	DefaultJobDisk      = 5 << 30
	DefaultJobMemory    = 4 << 30
	DefaultJobProcesses = 2000
)

func (l Limits) withDefaults() Limits {
	if l.Time == 0 {
		l.Time = DefaultJobTime
	}
	if l.Disk == 0 {
		l.Disk = DefaultJobDisk
	}
	if l.Memory == 0 {
		l.Memory = DefaultJobMemory
	}
	if l.Processes == 0 {
		l.Processes = DefaultJobProcesses
	}
	return l
}

const (
	// limitInterval is how often a job's use is looked at.
	limitInterval = 500 * time.Millisecond
	// walkShare is how much longer than a look at the disk the next one is away.
	walkShare = 20
	// stopPatience is how long a job whose time is over may take to save its state.
	stopPatience = 10 * time.Second
)

// fullInterval is how often the free space of the disk is looked at: a state that
// finds no place is lost.
const fullInterval = 25 * time.Millisecond

// excess is the limit that a job has broken: what the user is told, and whether
// Terraform may still end by itself.
type excess struct {
	failure *provisionerd.Failure
	gently  bool
}

// watchLimits looks at the job until ctx ends or a limit is broken.
func (r *run) watchLimits(ctx context.Context) *excess {
	l := r.p.opts.Limits
	t := r.p.opts.Clock.NewTicker(limitInterval, "limits")
	defer t.Stop()
	full := r.p.opts.Clock.NewTicker(fullInterval, "full")
	defer full.Stop()
	var nextWalk time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-full.C:
			if r.p.dropBallast() {
				return broken(true, "The job was ended: the disk of the provisioner is full (no space left on device).")
			}
			continue
		case <-t.C:
		}
		now := r.p.now()
		if l.Time > 0 && now.Sub(r.began) >= l.Time {
			return broken(true, "The job was ended: it took longer than %s, the limit of this provisioner (CODER_PROVISIONER_JOB_TIMEOUT).", l.Time)
		}
		if e := r.tooMany(l); e != nil {
			return e
		}
		if l.Disk > 0 && !now.Before(nextWalk) {
			used := r.p.diskUse(l.Disk)
			nextWalk = now.Add(walkShare * r.p.now().Sub(now))
			if used > l.Disk {
				return broken(false, "The job was ended: its files take more than %s, the limit of this provisioner (CODER_PROVISIONER_JOB_DISK).", size(l.Disk))
			}
		}
	}
}

// tooMany looks at the processes of the job.
func (r *run) tooMany(l Limits) *excess {
	if l.Processes <= 0 && l.Memory <= 0 {
		return nil
	}
	pids := r.p.corral.members()
	if l.Processes > 0 && len(pids) >= l.Processes {
		return broken(false, "The job was ended: it has %d processes, the limit of this provisioner (CODER_PROVISIONER_JOB_PROCESSES).", len(pids))
	}
	if used := memory(pids); l.Memory > 0 && used > l.Memory {
		return broken(false, "The job was ended: its processes hold %s of memory, more than the %s that this provisioner allows (CODER_PROVISIONER_JOB_MEMORY).", size(used), size(l.Memory))
	}
	return nil
}

func broken(gently bool, format string, args ...any) *excess {
	return &excess{gently: gently, failure: &provisionerd.Failure{Message: fmt.Sprintf(format, args...)}}
}

// diskUse adds up the files of the job and stops counting beyond limit.
// Providers and modules of the store are links and do not count.
func (p *Provisioner) diskUse(limit int64) int64 {
	var n int64
	for _, dir := range []string{p.build, p.tmp, filepath.Join(p.opts.WorkDir, "home")} {
		_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || n > limit {
				return nil // what is gone takes no place
			}
			if info, err := d.Info(); err == nil && d.Type().IsRegular() {
				n += info.Size()
			}
			return nil
		})
	}
	return n
}

// size is a number of bytes for people.
func size(n int64) string {
	const mib = 1 << 20
	if n >= 10*1024*mib {
		return fmt.Sprintf("%d GiB", n/(1024*mib))
	}
	if n >= mib {
		return fmt.Sprintf("%d MiB", n/mib)
	}
	return fmt.Sprintf("%d bytes", n)
}
