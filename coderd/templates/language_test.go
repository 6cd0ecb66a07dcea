package templates_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

func TestPresetsOfAVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	two := 2
	v := r.imported(api.CreateTemplateVersionRequest{}, jobrpc.ImportResult{
		Presets: []jobrpc.Preset{{Name: "Big", Default: true, Description: "d", Icon: "/i.svg", Instances: &two,
			Parameters: []api.ParameterValue{{Name: "cpu", Value: "8"}}}, {Name: "Empty\x00"}},
		ExternalAuth: []jobrpc.ExternalAuth{{ID: "git", Optional: true}}})
	all := coderdtest.Do[[]api.Preset](t, r.member, http.StatusOK, http.MethodGet, versionPath(v)+"/presets", nil)
	require.Len(t, all, 2)
	assert.Equal(t, api.Preset{ID: all[0].ID, Name: "Big", Default: true, Description: "d", Icon: "/i.svg", DesiredPrebuildInstances: &two,
		Parameters: []api.PresetParameter{{Name: "cpu", Value: "8"}}}, all[0])
	assert.Equal(t, "Empty\uFFFD", all[1].Name)
	assert.NotNil(t, all[1].Parameters)
	auth := coderdtest.Do[[]api.TemplateVersionExternalAuth](t, r.member, http.StatusOK, http.MethodGet, versionPath(v)+"/external-auth", nil)
	assert.Equal(t, []api.TemplateVersionExternalAuth{{ID: "git", DisplayName: "git", Optional: true}}, auth)

	other := r.imported(api.CreateTemplateVersionRequest{}, jobrpc.ImportResult{})
	none := coderdtest.Do[[]api.Preset](t, r.member, http.StatusOK, http.MethodGet, versionPath(other)+"/presets", nil)
	assert.Empty(t, none)
}

func TestBadLanguageFailsTheImport(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	less := -1
	for name, res := range map[string]jobrpc.ImportResult{
		"preset twice":  {Presets: []jobrpc.Preset{{Name: "a"}, {Name: "a"}}},
		"no name":       {Presets: []jobrpc.Preset{{}}},
		"two defaults":  {Presets: []jobrpc.Preset{{Name: "a", Default: true}, {Name: "b", Default: true}}},
		"many presets":  {Presets: make([]jobrpc.Preset, 201)},
		"instances":     {Presets: []jobrpc.Preset{{Name: "a", Instances: &less}}},
		"large preset":  {Presets: []jobrpc.Preset{{Name: "a", Parameters: []api.ParameterValue{{Name: "x", Value: strings.Repeat("x", 1<<20)}, {Name: "y", Value: "y"}}}}},
		"external auth": {ExternalAuth: []jobrpc.ExternalAuth{{ID: "git"}}},
		"many tags":     {WorkspaceTags: make([]jobrpc.WorkspaceTag, 51)},
		"no tag":        {WorkspaceTags: []jobrpc.WorkspaceTag{{Value: "x"}}},
	} {
		v := r.push(api.CreateTemplateVersionRequest{})
		job := r.acquire()
		err := r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Import: &res})
		require.Equal(t, api.CodeInvalid, api.CodeOf(err), "%s: %v", name, err)
		v = coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodGet, versionPath(v), nil)
		assert.Equal(t, api.JobFailed, v.Job.Status, name)
	}
}
