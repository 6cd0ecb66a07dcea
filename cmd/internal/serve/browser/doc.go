// Package browser tests the dashboard in Chromium against the whole product: the
// pages that the binary carries, a real server, real templates and agents.
//
// It holds tests only. They prepare what a browser cannot, a server and an
// application that a workspace serves, and hand over to site/e2e/real, where the
// steps of people are written. Those need the tag embed_site, node, and Chromium.
package browser
