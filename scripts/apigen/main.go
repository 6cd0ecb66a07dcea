// Command apigen writes what docs/reference says of the API: openapi.json, made
// from the route table and the Go types with the texts of their comments, and a page
// for each section, and the same as types for the dashboard. It compares the document with the API that clients know and
// drops differences that are none any more from testdata/differences.txt. Equal
// sources give equal bytes. Run it at the top of the repository; a directory as the
// argument takes the place of docs/reference and of the dashboard's directory.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"coder.internal/coderd"
)

// typesFile holds the types of the dashboard.
const typesFile = "site/src/api/generated.ts"

func main() {
	to, types := filepath.FromSlash("docs/reference"), filepath.FromSlash(typesFile)
	if len(os.Args) > 1 {
		to = os.Args[1]
		types = filepath.Join(to, "generated.ts")
	}
	if err := run(".", to, types); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

// run reads the sources below root, writes below to, and the types to the file types.
func run(root, to, types string) error {
	doc, err := document(root)
	if err != nil {
		return err
	}
	files, err := render(doc)
	if err != nil {
		return err
	}
	pages := filepath.Join(to, "api")
	if err := os.RemoveAll(pages); err != nil { // a section may have gone
		return err
	}
	if err := os.MkdirAll(pages, 0o755); err != nil { //nolint:gosec // documentation is public
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(to, filepath.FromSlash(name)), text, 0o644); err != nil { //nolint:gosec // documentation is public
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(types), 0o755); err != nil { //nolint:gosec // sources are public
		return err
	}
	if err := os.WriteFile(types, typescript(doc), 0o644); err != nil { //nolint:gosec // sources are public
		return err
	}
	found, err := compare(root, doc)
	if err != nil {
		return err
	}
	return prune(root, found)
}

// document returns the description of the API as a map, whose keys are written in
// order.
func document(root string) (map[string]any, error) {
	raw, err := coderd.Describe()
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	words, err := readComments(root)
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	complete(doc, words)
	return doc, nil
}

// render returns the files by their names below docs/reference.
func render(doc map[string]any) (map[string][]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write the description: %w", err)
	}
	files := pages(doc)
	files["openapi.json"] = out.Bytes()
	return files, nil
}
