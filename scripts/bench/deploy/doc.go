// Package deploy runs the product under test: a server from its binary with a
// configuration of its own, the command line beside it, and the HTTP API.
package deploy
