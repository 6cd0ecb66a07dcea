// Package api holds the words that our processes share: identifiers, errors and
// the JSON shapes of the REST API under /api/v2.
//
// It owns names and field tags only. It never talks to a network, a database or
// a clock, and it imports nothing but the standard library, so that every
// program, also the small one, can link it. Field names and enumerations are
// those that Coder v2 clients already use.
package api
