// Package servetest runs the whole product as people run it, for tests: a server
// process on a real Postgres, clients as processes, agents that templates start.
//
// The test binary is the product: Main copies it to a file named coder and runs
// it as the program when it is started under that name. So a test needs no
// compiler, the race detector covers all processes, and the test cache knows
// everything that a result depends on.
//
// It owns every process and file it makes. A server has a loopback address of its
// own, so that a restart finds its port free. When a test ends, its server is
// stopped, agents of workspaces that still run are killed, and anything else that
// is left of it fails the test.
//
// It has one variable, the path of the copy, because TestMain and tests share
// nothing else. It runs on Linux only, like the server.
package servetest
