package database

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// preparedMark is set in the data of a connection that prepares statements.
const preparedMark = "coder: prepares statements"

// begin gives a new connection of the pool its types and settings, and looks whether
// it is one to Postgres itself. A pooler gives out process ids of its own. Through
// one that lends a connection for a transaction, prepared statements belong to
// somebody else by the next one, so they are not used then, unless the URL says how
// statements are sent.
func (db *DB) begin(ctx context.Context, conn *pgx.Conn) error {
	useIDs(conn.TypeMap())
	useRawJSON(conn.TypeMap())
	useArrays(conn.TypeMap())
	// As statements and not as startup parameters: poolers refuse those.
	results, err := conn.PgConn().Exec(ctx, sessionSettings+";\nselect pg_backend_pid()").ReadAll()
	if err != nil {
		return fmt.Errorf("settings of a new connection: %w", err)
	}
	last := results[len(results)-1].Rows
	if db.modeGiven || len(last) != 1 {
		return nil
	}
	pid, err := strconv.ParseUint(string(last[0][0]), 10, 32)
	if err != nil {
		return fmt.Errorf("settings of a new connection: process id: %w", err)
	}
	if uint32(pid) != conn.PgConn().PID() && !db.pooled.Swap(true) {
		db.log.Info("a connection pooler stands before postgres, so statements are not prepared")
	}
	if conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		conn.PgConn().CustomData()[preparedMark] = true
	}
	return nil
}

// outdated reports a connection that was made before the pooler was noticed.
func (db *DB) outdated(conn *pgx.Conn) bool {
	return db.pooled.Load() && conn.PgConn().CustomData()[preparedMark] != nil
}
