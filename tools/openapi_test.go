// Package tools holds checks that need libraries which the product does not link.
//
// testdata/oas31-schema.json is the OpenAPI Initiative's schema of OpenAPI 3.1
// documents, https://spec.openapis.org/oas/3.1/schema/2022-10-07 (Apache-2.0).
package tools

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func load(t *testing.T, path string) any {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	v, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestDocumentIsValid: the generated document is OpenAPI 3.1, every schema in it is
// JSON Schema 2020-12, and every reference leads somewhere.
func TestDocumentIsValid(t *testing.T) {
	doc := load(t, "../docs/reference/openapi.json").(map[string]any)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for url, v := range map[string]any{"https://spec.openapis.org/oas/3.1/schema/2022-10-07": load(t, "testdata/oas31-schema.json"), "doc.json": doc} {
		if err := c.AddResource(url, v); err != nil {
			t.Fatal(err)
		}
	}
	oas, err := c.Compile("https://spec.openapis.org/oas/3.1/schema/2022-10-07")
	if err != nil {
		t.Fatal(err)
	}
	if err := oas.Validate(doc); err != nil {
		t.Fatal(err)
	}
	broken := map[string]any{"openapi": "3.1.0", "info": map[string]any{"title": "x"}, "paths": map[string]any{}}
	if oas.Validate(broken) == nil {
		t.Fatal("a document without a version passed")
	}
	n := 0
	walk(doc, "", func(at string, m map[string]any) {
		if ref, ok := m["$ref"].(string); ok {
			if !strings.HasPrefix(ref, "#/components/schemas/") {
				t.Errorf("%s: %s leads out of the document", at, ref)
			} else if _, err := c.Compile("doc.json" + ref); err != nil {
				t.Errorf("%s: %v", at, err)
			}
			n++
		}
	})
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range schemas {
		if _, err := c.Compile("doc.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n < 100 || len(schemas) < 100 {
		t.Fatalf("%d references and %d schemas: the document is not whole", n, len(schemas))
	}
}

// TestOperations: what the schema does not say of operations.
func TestOperations(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string
			Description string
			Tags        []string
			Parameters  []struct{ Name, In, Description string }
			Security    *[]map[string][]string
		}
		Components struct{ SecuritySchemes map[string]any }
	}
	text, err := os.ReadFile("../docs/reference/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for path, item := range doc.Paths {
		for method, op := range item {
			name := method + " " + path
			if seen[op.OperationID] != "" {
				t.Errorf("%s and %s are both %s", name, seen[op.OperationID], op.OperationID)
			}
			seen[op.OperationID] = name
			if op.Summary == "" || len(op.Tags) != 1 || !strings.Contains(op.Description, "Requires: ") || op.Security == nil {
				t.Errorf("%s lacks a summary, its section, its rule or its security", name)
				continue
			}
			for _, need := range *op.Security {
				for scheme := range need {
					if doc.Components.SecuritySchemes[scheme] == nil {
						t.Errorf("%s: no scheme %s", name, scheme)
					}
				}
			}
			inPath := 0
			for _, p := range op.Parameters {
				if p.In == "path" {
					inPath++
					if !strings.Contains(path, "{"+p.Name+"}") || p.Description == "" {
						t.Errorf("%s: parameter %s is not in the path, or not described", name, p.Name)
					}
				}
			}
			if inPath != strings.Count(path, "{") {
				t.Errorf("%s: %d parameters in the path are described", name, inPath)
			}
		}
	}
}

func walk(v any, at string, visit func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(at, v)
		for k, inner := range v {
			walk(inner, at+"/"+k, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, at, visit)
		}
	}
}
