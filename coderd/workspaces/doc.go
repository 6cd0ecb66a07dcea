// Package workspaces owns workspaces, their builds, parameters and Terraform
// states. It is the completer of build jobs: it says what a daemon gets, and it
// takes what a daemon brings.
//
// It never runs Terraform and never decides when a job runs; that is the
// daemon's and the queue's.
//
// A workspace's status is that of its newest build's job:
//
//	pending → starting | stopping | deleting → running | stopped | deleted
//	              └→ canceling → canceled          └→ failed
//
// Builds of a workspace run strictly one after another: a new one is refused
// while the job of the newest has not ended, and making one locks the workspace.
//
// A start that changes the version or a parameter is guarded unless its maker
// allowed the loss: the daemon plans first and refuses to destroy what a stop
// keeps. A refused build stays in the history and counts nowhere else: status,
// version and parameters are those of the build before.
//
// Plans are jobs of their own: they say what a build would do, change nothing,
// and are gone after a day.
//
// Each build keeps its own state, encrypted. Snapshots arrive while Terraform
// works, and a build that fails, is cancelled or is lost keeps what it had. The
// next build, or the next attempt, starts from the newest state there is. A
// state is replaced only by a newer one of the same build, never by nothing.
// Only a delete that succeeded ends the workspace.
package workspaces
