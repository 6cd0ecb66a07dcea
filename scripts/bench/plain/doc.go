// Package plain runs the tools that the product is compared with: terraform,
// OpenSSH and Postgres, each as a person would run it by hand.
package plain
