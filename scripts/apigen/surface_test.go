package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSurface: every difference from the API that clients know has a reason in
// testdata/differences.txt, and every line there is a difference.
func TestSurface(t *testing.T) {
	t.Parallel()
	doc, err := document(top)
	require.NoError(t, err)
	found, err := compare(top, doc)
	require.NoError(t, err)
	reasons, err := explained(top)
	require.NoError(t, err)
	for _, d := range found {
		if _, known := reasons[d]; !known {
			t.Errorf("%q: mend it, or give the reason in %s", d, differenceFile)
		}
		delete(reasons, d)
	}
	for d := range reasons {
		t.Errorf("%q differs no more: run make gen", d)
	}
}

// TestSurfaceSeesDifferences: a field that goes, changes its type, is new or becomes
// required is found.
func TestSurfaceSeesDifferences(t *testing.T) {
	t.Parallel()
	doc, err := document(top)
	require.NoError(t, err)
	before, err := compare(top, doc)
	require.NoError(t, err)
	schemas := child(child(doc, "components"), "schemas")
	user := child(asMap(schemas["User"]), "properties")
	delete(user, "username")
	user["email"] = map[string]any{"type": "integer"}
	user["shoe_size"] = map[string]any{"type": "integer"}
	login := asMap(schemas["CreateUserRequest"])
	login["required"] = append(asList(login["required"]), "name")
	delete(child(doc, "paths"), "/api/v2/buildinfo")
	child(doc, "paths")["/api/v2/weather"] = map[string]any{"get": map[string]any{}}
	after, err := compare(top, doc)
	require.NoError(t, err)
	for _, want := range []string{"codersdk.User.username: missing", "codersdk.User.email: type integer, theirs string",
		"codersdk.User.shoe_size: ours alone", "codersdk.CreateUserRequestWithOrgs.name: ours is required", "GET /api/v2/weather: ours alone"} {
		assert.NotContains(t, before, want)
		assert.Contains(t, after, want)
	}
}

// explained reads differences.txt: lines of differences below a comment that says
// why they are there.
func explained(root string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(differenceFile)))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	reason, last := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			reason = ""
		case strings.HasPrefix(line, "#"):
			if last != "#" {
				reason = ""
			}
			reason = strings.TrimSpace(reason + " " + strings.TrimLeft(line, "# "))
		default:
			if reason == "" {
				return nil, fmt.Errorf("%s: %q stands below no reason", differenceFile, line)
			}
			out[line] = reason
		}
		last = line[:min(1, len(line))]
	}
	return out, nil
}
