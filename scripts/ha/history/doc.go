// Package history holds what clients did to a deployment and how it ended, and
// checks one against the other. It does no I/O but reading and writing lines.
//
// Every operation is written down with when it started and ended and with one of
// three outcomes: ok, the deployment acknowledged it; failed, the deployment refused
// it; unknown, there was no answer or one that does not say, so it may have had its
// effect at any time after its start, also after the client gave up.
//
// Check knows a model of tokens, workspaces, builds and the audit log:
//
//   - what was acknowledged is there in the end, unless it was taken away;
//   - what was refused is not there;
//   - nothing is there twice, or without anybody having asked for it;
//   - what is read is not older than what was acknowledged before the read started;
//   - each change has exactly one entry in the audit log, and what was not changed
//     has none;
//   - an unknown operation may have happened once, or not.
//
// The clients keep three rules: a name is used for one object only, an object
// belongs to one client, and a client does one thing at a time.
package history
