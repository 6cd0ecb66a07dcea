// Package arch keeps the floors of the house: which folder may import which. It
// holds the table as data and fails the tests with the reason; no product code
// imports it.
package arch
