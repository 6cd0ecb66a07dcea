package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const top = "../.."

func generate(t *testing.T) map[string][]byte {
	t.Helper()
	doc, err := document(top)
	require.NoError(t, err)
	files, err := render(doc)
	require.NoError(t, err)
	return files
}

// TestUpToDate: docs/reference has what the code says, no more and no less.
func TestUpToDate(t *testing.T) {
	t.Parallel()
	files := generate(t)
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(top, "docs", "reference", filepath.FromSlash(name)))
		require.NoError(t, err, "run make gen")
		assert.True(t, string(want) == string(have), "docs/reference/%s is old: run make gen", name) //nolint:testifylint // a difference of 500 KB helps nobody
	}
	there, err := filepath.Glob(filepath.Join(top, "docs", "reference", "api", "*"))
	require.NoError(t, err)
	for _, path := range there {
		assert.Contains(t, slices.Collect(maps.Keys(files)), "api/"+filepath.Base(path), "run make gen")
	}
}

func TestDocumentSaysWhatCommentsSay(t *testing.T) {
	t.Parallel()
	files := generate(t)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Description string
				Properties  map[string]struct {
					Description string
					Enum        []any
					Items       struct{ Enum []any }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(files["openapi.json"], &doc))
	build := doc.Components.Schemas["WorkspaceBuild"]
	assert.Contains(t, build.Properties["status"].Enum, "running")
	assert.ElementsMatch(t, []any{"start", "stop", "delete"}, build.Properties["transition"].Enum)
	assert.Contains(t, doc.Components.Schemas["WatchEvent"].Properties["type"].Description, "ping")
	for name, s := range doc.Components.Schemas {
		assert.NotEmpty(t, s.Description, "type %s has no comment", name)
	}
}

// TestPagesHoldTheTable: text of comments does not end a cell of a table.
func TestPagesHoldTheTable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a \\| b One of `\"x\\|y\"`. maximum 1000000.",
		cell("a | b", map[string]any{"enum": []any{"x|y"}, "maximum": 1e6}))
}
