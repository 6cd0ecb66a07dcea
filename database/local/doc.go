// Package local is the built-in PostgreSQL of a single-VM install: it finds the
// binaries, makes the data directory, starts the server, and stops it.
//
// It never opens a TCP port, never runs Postgres as root, and never writes into
// a directory that the Postgres user can reach and owns. It needs a Unix system.
//
// # Directories
//
// With DIR the configuration directory, everything is under DIR/postgres:
//
//	lock          held (flock) by the coder server that uses the directory
//	postgres.log  what Postgres prints: start, stop, crashes; no statements
//	unsettled     the cluster may not be on disk yet: no server was ever ready on it
//	data/         the cluster, 0700, owned by the Postgres user
//	run/          the socket, 0700, owned by the Postgres user
//
// When the server is root, Postgres runs as the configured user, else as
// "postgres", else as "nobody". That user must be able to reach the directory.
// Where it cannot, because DIR lies under a directory such as /root, everything
// is under /var/lib/coder-HASH instead, HASH being made from DIR, and
// DIR/postgres is a symbolic link to it. A socket path has 107 bytes at most;
// where DIR is too long for that the socket is in /tmp/coder-pg-HASH (0700).
//
// Only the Postgres user and root can enter run/, so only they can connect; the
// server itself trusts whoever reaches its socket.
//
// # A new cluster
//
// A new cluster is the one that this build carries, with an identity of its own,
// or else initdb makes it. Neither waits for the disk: "unsettled" is on disk
// before the cluster takes its place, and goes when the cluster is on disk as
// well, while Postgres starts and migrations run. Settle waits for that. A start
// that finds the mark removes the cluster and makes another: nothing in it was
// ever acknowledged. Unpacked binaries are used at once and marked "complete"
// when they are on disk; without the mark the next start compares them with the
// archive and replaces what a crash has damaged.
//
// # States
//
// A Server is stopped, running, or dead (Postgres ended by itself; Wait is
// closed). Start leads from stopped or dead to running, Stop from any state to
// stopped. Run keeps it running.
//
// When the coder server is killed, Postgres lives on as an orphan, in a process
// group of its own. The next Start stops it in order (fast shutdown: what was
// committed is on disk) and starts a new one, so that binaries and settings are
// always those of the present release. What a crash leaves behind, such as a
// postmaster.pid whose number another process has now, needs no hand.
package local
