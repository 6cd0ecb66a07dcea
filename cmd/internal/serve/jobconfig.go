package serve

import (
	"log/slog"
	"os"
	"time"

	"coder.internal/internal/clock"
	"coder.internal/provisionerd/terraform"
)

// JobConfig is how a daemon runs its jobs, inside the server and outside it.
type JobConfig struct {
	TerraformPath string
	Mirror        string
	Env           []string // what of the environment templates see; empty: all but ours
	KeepDetached  bool
	ForceCancel   time.Duration
	// Limits of a job; zero is none. Sizes are in MiB.
	JobTimeout                     time.Duration
	JobDisk, JobMemory, JobMaxProc int
}

// options are those of a daemon whose files lie in work.
func (c JobConfig) options(binary terraform.Binary, self, work, cache string, log *slog.Logger) terraform.Options {
	return terraform.Options{Binary: binary, WorkDir: work, CacheDir: cache, ProviderBinary: self, MirrorDir: c.Mirror,
		Environ: os.Environ(), EnvAllow: c.Env, EndDetached: !c.KeepDetached, Limits: c.limits(), Log: log, Clock: clock.Real()}
}

// limits are those of jobs; for terraform zero is the default and less is none.
func (c JobConfig) limits() terraform.Limits {
	orNone := func(n int64) int64 {
		if n == 0 {
			return -1
		}
		return n
	}
	return terraform.Limits{Time: time.Duration(orNone(int64(c.JobTimeout))), Disk: orNone(int64(c.JobDisk) << 20),
		Memory: orNone(int64(c.JobMemory) << 20), Processes: int(orNone(int64(c.JobMaxProc)))}
}
