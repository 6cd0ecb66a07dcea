// Package reference puts the generated description of the API into the binary, so
// that a server tells offline how it is used. It owns nothing: scripts/apigen
// writes the file, and a test there says when it is old.
package reference

import _ "embed" // the document

//go:embed openapi.json
var openapi []byte

// OpenAPI returns the OpenAPI 3.1 document of all routes as JSON. It must not be
// changed.
func OpenAPI() []byte { return openapi }
