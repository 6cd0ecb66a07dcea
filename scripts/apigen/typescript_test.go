package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTypesUpToDate: the dashboard has the types that the code has.
func TestTypesUpToDate(t *testing.T) {
	t.Parallel()
	doc, err := document(top)
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(typesFile)))
	require.NoError(t, err, "run make gen")
	assert.True(t, string(have) == string(typescript(doc)), "%s is old: run make gen", typesFile) //nolint:testifylint // a difference of 200 KB helps nobody
}

func TestScriptType(t *testing.T) {
	t.Parallel()
	text := map[string]any{"type": "string"}
	for want, schema := range map[string]map[string]any{
		"string":                     text,
		"Workspace":                  {"$ref": "#/components/schemas/Workspace"},
		`"a" | "b"`:                  {"type": "string", "enum": []any{"a", "b"}},
		"string[] | null":            {"type": []any{"array", "null"}, "items": text},
		"(string | null)[]":          {"type": "array", "items": map[string]any{"type": []any{"string", "null"}}},
		"Record<string, string>":     {"type": "object", "additionalProperties": text},
		"Record<string, unknown>":    {"type": "object", "additionalProperties": true},
		"number | string":            {"oneOf": []any{map[string]any{"type": "integer"}, text}},
		"unknown":                    {},
		"{\n  \"a-b\"?: boolean;\n}": {"type": "object", "properties": map[string]any{"a-b": map[string]any{"type": "boolean"}}},
		"{\n  /** x *\\/ */\n  a: string;\n}": {"type": "object", "required": []any{"a"}, "properties": map[string]any{
			"a": map[string]any{"type": "string", "description": "x */"}}},
	} {
		assert.Equal(t, want, scriptType(schema, ""))
	}
}
