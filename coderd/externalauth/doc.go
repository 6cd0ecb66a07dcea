// Package externalauth signs users in to services outside of the deployment, such
// as Git servers, and gives their tokens to their builds and to the agents of their
// workspaces.
//
// A provider is a service as an administrator configured it; providers are known
// from the start and never change. A link is the sign-in of one user to one
// provider:
//
//	(none) ── code flow, device flow ──► good ── expired ──► refreshed ──► good
//	                                       │                    └─ refused ──► over
//	                                       └─ the provider says no ──► over
//
// What is over counts as none; only its user changes that, by signing in again or
// by unlinking. Tokens are sealed at rest. Among all replicas one refreshes a token
// at a time: it claims the link, asks the provider outside of any transaction, and
// stores the answer unless the user has signed in anew meanwhile.
//
// It never follows a redirect of a provider, never shows a token to anybody but its
// owner's builds, agents and Git, and never sends one to a URL that the provider's
// pattern does not name from its first character on.
package externalauth
