package templates_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

func TestArchiveUnusedVersions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	push := func(template api.ID, good bool) api.TemplateVersion {
		v := coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusCreated, http.MethodPost, org+"/templateversions",
			api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host", TemplateID: template})
		job, err := r.d.Jobs.Acquire(t.Context(), r.daemon)
		require.NoError(t, err)
		if good {
			require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &jobrpc.ImportResult{}}))
		} else {
			require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Error: "broken"}))
		}
		return v
	}
	used := push(api.ID{}, true)
	tpl := coderdtest.Do[api.Template](t, r.owner, http.StatusCreated, http.MethodPost, org+"/templates", api.CreateTemplateRequest{Name: "tpl", VersionID: used.ID})
	coderdtest.Do[api.Workspace](t, r.member, http.StatusCreated, http.MethodPost, "/api/v2/users/me/workspaces", api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID})
	job, err := r.d.Jobs.Acquire(t.Context(), r.daemon)
	require.NoError(t, err)
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Build: &jobrpc.BuildResult{State: []byte("{}")}}))
	broken, unused, active := push(tpl.ID, false), push(tpl.ID, true), push(tpl.ID, true)
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPatch, "/api/v2/templates/"+tpl.ID.String()+"/versions", api.UpdateActiveTemplateVersionRequest{ID: active.ID})

	archive := func(all bool) []api.ID {
		got := coderdtest.Do[api.ArchiveTemplateVersionsResponse](t, r.owner, http.StatusOK, http.MethodPost,
			"/api/v2/templates/"+tpl.ID.String()+"/versions/archive", api.ArchiveTemplateVersionsRequest{All: all})
		require.Equal(t, tpl.ID, got.TemplateID)
		return got.ArchivedIDs
	}
	require.Equal(t, []api.ID{broken.ID}, archive(false))
	require.Equal(t, []api.ID{unused.ID}, archive(true))
	require.Empty(t, archive(true))
	shown := coderdtest.Do[[]api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/templates/"+tpl.ID.String()+"/versions", nil)
	require.Len(t, shown, 2)
	res, _ := r.member.Raw(t, http.MethodPost, "/api/v2/templates/"+tpl.ID.String()+"/versions/archive", api.ArchiveTemplateVersionsRequest{})
	require.Equal(t, http.StatusForbidden, res.StatusCode)
}
