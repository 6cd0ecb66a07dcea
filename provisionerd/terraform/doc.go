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
//	WorkDir/build/          the one directory in which Terraform runs; refilled per job
//	WorkDir/home, tmp       HOME and TMPDIR of Terraform, private
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
// nothing runs it.
//
// # Secrets and hostile input
//
// Templates are foreign code with the rights of this process's user. Their
// environment holds nothing of the server: no CODER_* and PG* variable passes,
// HOME and TMPDIR are private. The provider's unix sockets lie in the private
// TMPDIR and are used without TLS, which halves the time of a build. Processes
// of a job end with it, except those that made a session of their own (setsid).
package terraform
