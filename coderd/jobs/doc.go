// Package jobs is the provisioner queue: acquire, lease, logs, complete. It
// knows nothing of templates and workspaces.
package jobs
