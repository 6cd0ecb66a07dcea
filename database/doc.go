// Package database is the floor under the control plane: a bounded pool of
// connections to PostgreSQL 13 or newer, transactions, migrations, error
// mapping, and the queries that sqlc generates from queries/*.sql.
//
// It repeats by itself what surely changed nothing: reads, and transactions whose
// connection was lost before the commit. It never decides what a caller may do, and
// never returns an api.Error: callers know what a missing row means to a user.
//
// A DB has two states, open and closed. Open checks that the server answers.
// After that no outage closes it: calls fail with an *OutageError until Postgres is
// back, and Condition tells how it is. Dead sockets are dropped by us:
//
//   - 10 s for a call whose context has no deadline, and 30 s for any other; 3 s to
//     get a connection while Postgres is known to be away;
//   - 30 s for a statement, 10 s for a lock, 30 s for an idle transaction,
//     enforced by the server, in case it is us who died;
//   - 15 s without an acknowledgement ends a TCP connection;
//   - 2 s for the ping of a connection that was idle. A ping or a call that
//     times out, while nobody else is answered, makes the pool drop all its idle
//     connections at once. A connection that ends has its place in the pool for 1 s
//     more, while the driver tries to cancel the statement.
package database
