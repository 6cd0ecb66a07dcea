// Package cluster runs a whole deployment on loopback: the built-in Postgres,
// replicas of the server on 127.0.0.1, 127.0.0.2, … and haproxy before them.
//
// It owns the processes that it starts and their files, all below one directory,
// and ends them by their numbers. It never looks into the product: what it does to
// a replica is what a machine, a network or a service manager would do.
//
// A Replica is stopped, running or frozen. Start, Stop, Kill, Freeze and Thaw
// change that; each may be called at any time, by one goroutine for each replica.
// It needs Linux.
package cluster
