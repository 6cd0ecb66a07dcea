// Package term keeps the terminals of a workspace that people come back to.
//
// It owns the terminals, their processes and their pictures, and the connections
// of viewers. It never authenticates: its listener is reachable through the tunnel
// only, whose peers the control plane has authorised. See api/termrpc for what is
// spoken on it.
//
// A terminal begins with the first viewer that names its id and goes: running →
// (left by its last viewer for IdleTimeout, or the agent stops) hanging up → ended.
// It ends by itself when its program does. Losing viewers, servers or the network
// changes nothing in it. Who comes back gets the picture, then what follows.
//
// A viewer is never a reason for the program to wait longer than roomPatience: who
// cannot follow gets, in place of what was missed, the picture of a later moment;
// who takes nothing for termrpc.Silence is cut.
//
// The size is that of the viewer that typed or changed its window last. The
// smallest of all would make a forgotten window in another tab rule over the one in
// use.
//
// On Windows a terminal is a pseudo console, of version 1809 or later.
package term
