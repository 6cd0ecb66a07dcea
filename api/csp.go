package api

// CSPViolation is what a browser reports when the Content-Security-Policy of a page
// refuses something.
type CSPViolation struct {
	// Report has the members that the browser sends, such as effective-directive,
	// blocked-uri and document-uri.
	Report map[string]any `json:"csp-report,omitempty"`
}
