// Package scripts runs what a template asks the agent to run: scripts at start,
// at stop and on a schedule. It sends their output as logs and reports how each
// run ended.
//
// It owns the processes of the scripts and the queue of log lines. It never
// decides the agent's lifecycle; the agent does, from the Outcome. A script may
// leave processes behind: they are not killed, and what they write is still
// logged until the Runner ends.
//
// A run is ok, exit_failure, timed_out or pipes_left_open (ended well, but a
// process it left behind still holds its output).
package scripts
