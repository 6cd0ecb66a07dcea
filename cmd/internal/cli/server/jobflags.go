package server

import (
	"time"

	"github.com/spf13/pflag"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/serve"
)

// jobFlags are the options of jobs outside the server. They have the variables
// and defaults of those inside, whose options are in serve.
func jobFlags(fs *pflag.FlagSet, c *serve.JobConfig) {
	bind := func(name, variable string) { cli.Bind(fs, name, "CODER_PROVISIONER_"+variable) }
	fs.StringVar(&c.TerraformPath, "terraform-path", "", "the terraform binary (default: the one on PATH, else one is downloaded)")
	bind("terraform-path", "TERRAFORM_PATH")
	fs.StringVar(&c.Mirror, "mirror", "", "directory in Terraform's filesystem-mirror layout, or a bundle, that is searched before any registry")
	bind("mirror", "MIRROR")
	cli.List(fs, &c.Env, "env", "", "variables of this environment that templates may see, such as AWS_* (default: all but CODER_*, PG*, TF_*)")
	bind("env", "ENV")
	fs.BoolVar(&c.KeepDetached, "keep-detached", true, "let processes that a start detached for its workspace outlive the build")
	bind("keep-detached", "KEEP_DETACHED")
	fs.DurationVar(&c.ForceCancel, "force-cancel-interval", 10*time.Second, "how long a cancelled build may take to stop by itself before its processes are killed")
	bind("force-cancel-interval", "FORCE_CANCEL_INTERVAL")
	fs.DurationVar(&c.JobTimeout, "job-timeout", time.Hour, "how long a build may take; 0 is no limit")
	bind("job-timeout", "JOB_TIMEOUT")
	size := func(to *int, name, variable string, def int, usage string) {
		fs.IntVar(to, name, def, usage+"; 0 is no limit")
		bind(name, variable)
	}
	size(&c.JobDisk, "job-disk", "JOB_DISK", 5120, "MiB that the files of a build may take")
	size(&c.JobMemory, "job-memory", "JOB_MEMORY", 4096, "MiB of memory that the processes of a build may hold together")
	size(&c.JobMaxProc, "job-processes", "JOB_PROCESSES", 2000, "processes that a build may have at once")
}
