// Package child is how the agent runs other programs: as whom, with which shell
// and environment, and as a process group that can be signalled as one.
//
// It owns no process and starts none; sshd, scripts and stats do. It never
// reads the environment of the agent: that is given to it.
package child
