// Package agents owns what Terraform reports of a build (resources, agents,
// apps, scripts, metadata) and what agents report of themselves: sign-in,
// manifest, lifecycle, logs, measured values, app health, connection.
//
// It never starts or ends a build, and it never moves packets: node exchange is
// the coordinator's, which gets the websocket of a signed-in agent or of a person
// who may reach that agent.
//
// Everything that daemons and agents report is foreign input: it is limited in
// size and count, its names are checked, its text is made valid UTF-8 without
// NUL, and ids in it must belong to the caller.
//
// Connection states, derived on database time and never stored:
//
//	connecting → connected ⇄ disconnected      the agent's websocket
//	     └→ timeout → connected                no connection within the template's limit
//
// Only the current connection (connection_id) writes the times. An agent whose
// server died counts as disconnected once its last sign is StaleAfter old.
//
// Lifecycle states are written by the agent alone, in this order; a new process
// of the same build begins again at starting:
//
//	created → starting → (start_timeout →) ready | start_error
//	        → shutting_down → (shutdown_timeout →) off | shutdown_error
//
// A token is valid from the success of its agent's start build until a later build
// of the workspace succeeds. While a stop is under way the agent it will end can
// thus still report how its stop scripts went.
package agents
