package database

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// UnreachableError says that no connection could be made. Its text is one line
// with host and cause, and never holds the password.
type UnreachableError struct {
	Host  string // host:port or socket directory, several joined by ", "
	Cause string
	err   error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return "cannot reach postgres at " + e.Host + ": " + e.Cause
}

// Unwrap gives the driver's error.
func (e *UnreachableError) Unwrap() error { return e.err }

// IsNotFound reports whether a query that must return a row returned none.
func IsNotFound(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// IsUniqueViolation reports whether err broke a unique index: any, or one of
// those named.
func IsUniqueViolation(err error, constraint ...string) bool {
	return violates(err, "23505", constraint)
}

// IsForeignKeyViolation is IsUniqueViolation for foreign keys.
func IsForeignKeyViolation(err error, constraint ...string) bool {
	return violates(err, "23503", constraint)
}

// IsCheckViolation is IsUniqueViolation for check constraints.
func IsCheckViolation(err error, constraint ...string) bool {
	return violates(err, "23514", constraint)
}

func violates(err error, state string, constraints []string) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != state {
		return false
	}
	return len(constraints) == 0 || slices.Contains(constraints, pg.ConstraintName)
}

// isRetryable reports serialization failures and deadlocks.
func isRetryable(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// sqlState gives the server's code for err, or "" when the server said nothing.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func unreachable(cfg *pgx.ConnConfig, err error) error {
	return &UnreachableError{Host: hostOf(cfg), Cause: causeOf(err), err: err}
}

// hostOf names every host of the configuration once.
func hostOf(cfg *pgx.ConnConfig) string {
	hosts := []string{hostPort(cfg.Host, cfg.Port)}
	for _, f := range cfg.Fallbacks {
		if h := hostPort(f.Host, f.Port); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return strings.Join(hosts, ", ")
}

func hostPort(host string, port uint16) string {
	if strings.HasPrefix(host, "/") {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// causeOf finds the shortest honest sentence in the driver's nested error.
func causeOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Error()
	}
	text := err.Error()
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		text = connect.Unwrap().Error()
	}
	return strings.Join(strings.Fields(text), " ")
}
