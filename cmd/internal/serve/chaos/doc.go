// Package chaos holds tests of the whole product in slow or rough company: frozen
// and full databases, a connection pooler. They are built with the tag chaos and run by
// make chaos-postgres, as root, on a machine with Postgres and pgbouncer.
//
// It owns the clusters and mounts that its tests make, and has nothing to import.
package chaos
