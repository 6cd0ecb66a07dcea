// Package terraform is the Provisioner that runs Terraform.
//
// It owns: where the terraform binary comes from, the mirror that holds our own
// provider, the store of initialised templates, the work directory of a daemon,
// Terraform's environment, and the reading of plans and states. It never talks
// to the server; it reports through provisionerd.Session.
//
// # Directories
//
//	CacheDir/mirror/        provider mirror; a script stands for coder/coder
//	CacheDir/provider/      coder/coder as templates use it: a symlink to this program
//	CacheDir/templates/KEY/ an initialised template: its files, .terraform, lock file;
//	                        read-only, shared by all builds of the version
//	CacheDir/packages/HASH/ a provider package under the hash of its content, verified
//	                        once; templates link to it; see packages
//	WorkDir/build/          the one directory in which Terraform runs; refilled per job
//	WorkDir/home, tmp       HOME and TMPDIR of Terraform, private; with a user of
//	                        its own emptied after each job
//	WorkDir/state.last      the newest state that was seen whole
//
// # Which process runs when
//
// A build runs exactly one terraform process: apply or destroy, with the plan
// inside. A build with a Guard runs two: plan into a file, then apply of that
// file, so that what was checked is what is done. A plan job runs plan and show. The version's first job on a machine runs init once before it. An
// import runs plan for start and, at the same time, plan for stop, and shows the
// first. Resources of a build are read from the state file itself.
//
// # Where an agent belongs
//
// A coder_agent belongs to the nearest managed resource that depends on it: one
// that no other such resource lies in front of. Of several, a resource that is
// not a mere helper (terraform_data, null_resource, random_*, time_*, local_*,
// tls_*) wins, then the first by address. An agent that nothing depends on is
// listed under itself, as a resource of type coder_agent, because people expect
// to reach it (they start it by hand); after a stop it is left out, because
// nothing runs it. A coder_external_agent is such a resource: a machine that the
// template does not make.
//
// # Secrets and hostile input
//
// Templates are foreign code with the rights of this process's user. Their
// environment holds nothing of the server: no CODER_* and PG* variable passes,
// HOME and TMPDIR are private; Options.EnvAllow narrows the rest. The provider's
// unix sockets lie in the private TMPDIR and are used without TLS, which halves
// the time of a build.
//
// # Processes
//
// All that a job has started ends with it; see corral for how its processes are
// found. One exception: after the start of a workspace, what has a session of
// its own and carries HOST_WORKSPACE=<id of that workspace> in its environment
// goes on, because that is the workspace. It ends at the latest with the next
// stop or delete that succeeds, whatever the template does. A template could keep
// any program so, but no longer than its workspace runs, and it could as well
// start it in its agent; Options.EndDetached forbids it where nobody needs it.
//
// # The user of jobs
//
// With Options.User all that a job starts runs as that user: terraform is started
// through a launcher (see runas). The directories of the job are the user's, and
// what this process does in them it does with the user's rights (Provisioner.as),
// so that nothing planted there leads it elsewhere. WorkDir and CacheDir stay
// ours; the user can pass them, and read what all templates share.
//
// With a cgroup nothing escapes but what has the right to write to other cgroups
// (a daemon that runs as root and gives that right to templates). Without one, a
// process that leaves its session, its directory and its environment is not found.
//
// # Limits
//
// Time, memory, processes and disk of a job are looked at twice a second; what
// goes beyond ends the job with a cause, and the state is kept as with a kill.
package terraform
