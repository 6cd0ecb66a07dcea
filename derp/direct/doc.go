// Package direct makes TCP connections between two nodes that the coordinator has told
// of each other: TLS 1.3, in which each side shows the ed25519 key of its node.
//
// It owns the keys, which live as long as the process, the listener and the handshake.
// It never decides who a key belongs to, nor what a connection carries. Strangers cost
// a bounded number of handshakes of bounded time and size, and learn nothing: who does
// not know the key of the node gets no certificate.
package direct
