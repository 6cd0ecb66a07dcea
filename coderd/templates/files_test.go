package templates_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/templates"
)

func TestUploadAndDownload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	data := tarOf(t, tar.Header{Name: "main.tf"})
	var first, second api.UploadResponse
	status, text := r.upload(r.owner, api.ContentTypeTar, data)
	require.Equal(t, http.StatusCreated, status, "%s", text)
	require.NoError(t, json.Unmarshal(text, &first))
	status, text = r.upload(r.owner, api.ContentTypeTar, data)
	require.Equal(t, http.StatusOK, status, "the same bytes again: %s", text)
	require.NoError(t, json.Unmarshal(text, &second))
	assert.Equal(t, first.ID, second.ID)

	res, body := r.owner.Raw(t, http.MethodGet, "/api/v2/files/"+first.ID.String(), nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, api.ContentTypeTar, res.Header.Get("Content-Type"))
	assert.Equal(t, data, body)

	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, "/api/v2/files/"+first.ID.String(), nil)
	r.refused(r.owner, http.StatusNotFound, "", http.MethodGet, "/api/v2/files/"+api.NewID().String(), nil)
	r.refused(r.owner, http.StatusBadRequest, "fileID", http.MethodGet, "/api/v2/files/nonsense", nil)

	var z bytes.Buffer
	w := zip.NewWriter(&z)
	_, err := w.Create("main.tf")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	status, text = r.upload(r.owner, "application/x-zip-compressed", z.Bytes())
	require.Equal(t, http.StatusCreated, status, "%s", text)
}

func TestUploadRefusesBadArchives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, tc := range map[string]struct {
		contentType string
		data        []byte
		status      int
	}{
		"traversal":   {api.ContentTypeTar, tarOf(t, tar.Header{Name: "../evil.tf"}), http.StatusBadRequest},
		"absolute":    {api.ContentTypeTar, tarOf(t, tar.Header{Name: "/etc/passwd"}), http.StatusBadRequest},
		"link out":    {api.ContentTypeTar, tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../../etc"}), http.StatusBadRequest},
		"device":      {api.ContentTypeTar, tarOf(t, tar.Header{Name: "d", Typeflag: tar.TypeChar}), http.StatusBadRequest},
		"not a tar":   {api.ContentTypeTar, []byte("hello"), http.StatusBadRequest},
		"tar as zip":  {api.ContentTypeZip, tarOf(t, tar.Header{Name: "main.tf"}), http.StatusBadRequest},
		"empty":       {api.ContentTypeTar, nil, http.StatusBadRequest},
		"too large":   {api.ContentTypeTar, make([]byte, templates.MaxUpload+1), http.StatusRequestEntityTooLarge},
		"bomb":        {api.ContentTypeZip, bomb(t), http.StatusRequestEntityTooLarge},
		"other type":  {"text/plain", []byte("hello"), http.StatusUnsupportedMediaType},
		"no type":     {"", []byte("hello"), http.StatusUnsupportedMediaType},
		"strange one": {"application/x-tar; =", nil, http.StatusUnsupportedMediaType},
	} {
		status, text := r.upload(r.owner, tc.contentType, tc.data)
		assert.Equal(t, tc.status, status, "%s: %s", name, text)
	}
	var count int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select count(*) from files`).Scan(&count))
	assert.Zero(t, count, "something was written")
}

// bomb is a small zip that expands past the limit.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("zeros")
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for range 101 {
		_, err := f.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestFileOfAVersionIsForTemplateAdmins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.push(api.CreateTemplateVersionRequest{})
	orgAdmin := r.d.NewUser(t, r.owner, "orgadmin")
	_, err := r.d.DB.Pool().Exec(t.Context(), `update organization_members set roles = '{organization-template-admin}' where user_id = $1`, orgAdmin.User.ID)
	require.NoError(t, err)
	path := "/api/v2/files/" + v.Job.FileID.String()
	res, _ := orgAdmin.Raw(t, http.MethodGet, path, nil)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, path, nil)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, path := range []string{"/api/v2/templates/examples", org + "/templates/examples"} {
		list := coderdtest.Do[[]api.TemplateExample](t, r.member, http.StatusOK, http.MethodGet, path, nil)
		require.NotEmpty(t, list)
		assert.Equal(t, "host", list[0].ID)
		assert.NotEmpty(t, list[0].Markdown)
	}
	r.refused(r.owner, http.StatusNotFound, "", http.MethodGet, "/api/v2/organizations/nowhere/templates/examples", nil)
}

// TestStartersAreGoodArchives: what the release offers passes the check that
// uploads pass, and is the same archive each time.
func TestStartersAreGoodArchives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	starters, err := templates.Starters()
	require.NoError(t, err)
	for _, s := range starters {
		first := r.push(api.CreateTemplateVersionRequest{ExampleID: s.ID})
		second := r.push(api.CreateTemplateVersionRequest{ExampleID: s.ID})
		assert.Equal(t, first.Job.FileID, second.Job.FileID, s.ID)
		res, data := r.owner.Raw(t, http.MethodGet, "/api/v2/files/"+first.Job.FileID.String(), nil)
		require.Equal(t, http.StatusOK, res.StatusCode)
		status, text := r.upload(r.member, api.ContentTypeTar, data)
		assert.Equal(t, http.StatusCreated, status, "%s: %s", s.ID, text)
	}
}
