// Package resume is a byte stream that outlives the connections that carry it.
//
// A Session is a net.Conn. Its bytes go over one carrier at a time, any net.Conn
// that somebody else has made and authenticated; when a carrier breaks, another one
// goes on where the bytes ended. Each byte arrives once and in order. The package
// knows nothing of what carriers are, nor of who may have one: the owner that a
// server names for a carrier must be that of the session.
//
// The client begins a carrier with a greeting, the server answers it; then both send
// frames. Each side keeps what the other has not acknowledged, and says how much it
// may be sent, so that a carrier is always read and an answer on it shows that it
// lives.
//
//	open ──carrier breaks──▶ waiting ──another carrier──▶ open
//	waiting ──Options.Keep──▶ lost
//	open, waiting ──Close, both ways ended──▶ closed
package resume
