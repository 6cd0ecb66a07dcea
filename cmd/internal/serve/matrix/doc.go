// Package matrix tests the ways through hostile networks: the product's own
// processes, an agent and a client each at a site of its own, in network
// namespaces that the tests make. Middleboxes are user-space programs of the
// tests, address translation and blocking are the kernel's.
//
// It holds tests only. Nothing is left in the system when they end, however they
// end: namespaces have no names and go with the process.
package matrix
