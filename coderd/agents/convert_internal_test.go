package agents

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
)

// TestPartsAreInOrder: the database gives parts as it finds them.
func TestPartsAreInOrder(t *testing.T) {
	t.Parallel()
	const id1, id2, id3 = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003"
	r := database.ListAgentsOfJobsRow{
		Apps: []string{
			`{"ordinal": 10, "id": "` + id1 + `", "health": "healthy", "body": {"slug": "c"}}`,
			`{"ordinal": 2, "id": "` + id2 + `", "health": "disabled", "body": {"slug": "b"}}`,
			`{"ordinal": 0, "id": "` + id3 + `", "health": "disabled", "body": {"slug": "a"}}`},
		Scripts: []string{
			`{"ordinal": 1, "id": "` + id1 + `", "log_source_id": "` + id1 + `", "body": {"display_name": "y"}, "status": "ok", "exit_code": 0}`,
			`{"ordinal": 0, "id": "` + id2 + `", "log_source_id": "` + id2 + `", "body": {"display_name": "x"}, "status": "", "exit_code": null}`},
		LogSources: []string{
			`{"id": "` + id3 + `", "display_name": "last", "icon": "", "created_at": "2026-01-02T00:00:00.000001+00:00"}`,
			`{"id": "` + id2 + `", "display_name": "second", "icon": "", "created_at": "2026-01-02T00:00:00+00:00"}`,
			`{"id": "` + id1 + `", "display_name": "first", "icon": "i", "created_at": "2026-01-02T00:00:00+00:00"}`},
		Relays: json.RawMessage(`{}`),
	}
	var a api.WorkspaceAgent
	require.NoError(t, addParts(&a, r))
	var apps, scripts, sources []string
	for _, x := range a.Apps {
		apps = append(apps, x.Slug)
	}
	for _, x := range a.Scripts {
		scripts = append(scripts, x.DisplayName)
	}
	for _, x := range a.LogSources {
		sources = append(sources, x.DisplayName)
	}
	assert.Equal(t, []string{"a", "b", "c"}, apps)
	assert.Equal(t, []string{"x", "y"}, scripts)
	assert.Equal(t, []string{"first", "second", "last"}, sources)
	assert.Equal(t, api.MustParseID(id1), a.Apps[2].ID)
	assert.Equal(t, "healthy", string(a.Apps[2].Health))
	require.NotNil(t, a.Scripts[1].ExitCode)
	assert.Nil(t, a.Scripts[0].ExitCode)

	r.Apps = []string{`{`}
	require.Error(t, addParts(&a, r))
}
