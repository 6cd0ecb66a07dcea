// Command apigen writes the OpenAPI document of all typed routes to the path
// given, docs/reference/openapi.json by default. Equal routes give equal bytes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"coder.internal/coderd"
)

func main() {
	path := filepath.FromSlash("docs/reference/openapi.json")
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := write(path); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	doc, err := coderd.Describe()
	if err != nil {
		return fmt.Errorf("describe the API: %w", err)
	}
	// Through a map, whose keys are written in order.
	var tree map[string]any
	if err := json.Unmarshal(doc, &tree); err != nil {
		return fmt.Errorf("read the description: %w", err)
	}
	if info, ok := tree["info"].(map[string]any); ok {
		info["version"] = "v2" // of the API; that of the binary would change the file
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(tree); err != nil {
		return fmt.Errorf("write the description: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // documentation is public
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644) //nolint:gosec // documentation is public
}
