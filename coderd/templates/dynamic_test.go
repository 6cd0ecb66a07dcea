package templates_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/internal/wsconn"
)

const asking = `
data "coder_workspace_owner" "me" {}
data "coder_parameter" "who" {
  name    = "who"
  default = data.coder_workspace_owner.me.name
}
data "coder_parameter" "more" {
  count = data.coder_parameter.who.value == "x" ? 2 : 0
  name  = "more${count.index}"
}
`

// asks pushes a template and imports it with nothing found.
func (r *rig) asks(src string) api.TemplateVersion {
	r.t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(r.t, w.WriteHeader(&tar.Header{Name: "main.tf", Mode: 0o644, Size: int64(len(src)), Typeflag: tar.TypeReg}))
	_, err := w.Write([]byte(src))
	require.NoError(r.t, err)
	require.NoError(r.t, w.Close())
	_, text := r.upload(r.owner, api.ContentTypeTar, b.Bytes())
	var file api.UploadResponse
	require.NoError(r.t, json.Unmarshal(text, &file))
	return r.imported(api.CreateTemplateVersionRequest{FileID: file.ID}, jobrpc.ImportResult{})
}

func TestDynamicParameters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := "/api/v2/templateversions/" + r.asks(asking).ID.String() + "/dynamic-parameters"
	ws, err := wsconn.Dial(t.Context(), strings.Replace(r.d.URL.String(), "http", "ws", 1)+path,
		wsconn.DialOptions{Header: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // the test is over
	var res api.DynamicParametersResponse
	require.NoError(t, ws.Read(t.Context(), &res))
	assert.Equal(t, -1, res.ID)
	require.Len(t, res.Parameters, 1)
	assert.Equal(t, "bob", res.Parameters[0].Value.Value)

	// The newest question is always answered, older ones need not be.
	for id := range 50 {
		require.NoError(t, ws.Write(t.Context(), api.DynamicParametersRequest{ID: id, Inputs: map[string]string{"who": "x"}}))
	}
	for last := -1; res.ID != 49; last = res.ID {
		require.NoError(t, ws.Read(t.Context(), &res))
		require.Greater(t, res.ID, last)
	}
	require.Len(t, res.Parameters, 3)
	assert.Equal(t, api.CodeRequired, res.Parameters[1].Diagnostics[0].Extra.Code)

	admin := coderdtest.Do[api.User](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/users/me", nil)
	require.NoError(t, ws.Write(t.Context(), api.DynamicParametersRequest{ID: 60, OwnerID: admin.ID}))
	require.NoError(t, ws.Read(t.Context(), &res))
	require.Len(t, res.Diagnostics, 1, "a member does not see another user's data")
	assert.Empty(t, res.Parameters)
	require.NoError(t, ws.Close(wsconn.CodeNormal, ""))
}

func TestEvaluateParameters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := "/api/v2/templateversions/" + r.asks(asking).ID.String() + "/dynamic-parameters/evaluate"
	bob := coderdtest.Do[api.User](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/users/me", nil)
	res := coderdtest.Do[api.DynamicParametersResponse](t, r.owner, http.StatusOK, http.MethodPost, path,
		api.DynamicParametersRequest{ID: 7, OwnerID: bob.ID})
	assert.Equal(t, 7, res.ID)
	assert.Equal(t, "bob", res.Parameters[0].Value.Value)
	res = coderdtest.Do[api.DynamicParametersResponse](t, r.member, http.StatusOK, http.MethodPost, path,
		api.DynamicParametersRequest{Inputs: map[string]string{"who": "x\x00"}})
	assert.Contains(t, res.Parameters[0].Diagnostics[0].Detail, "NUL")

	admin := coderdtest.Do[api.User](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/users/me", nil)
	r.refused(r.member, http.StatusNotFound, "", http.MethodPost, path, api.DynamicParametersRequest{OwnerID: admin.ID})
	r.refused(r.member, http.StatusNotFound, "", http.MethodPost, path, api.DynamicParametersRequest{OwnerID: api.NewID()})
	many := map[string]string{}
	for i := range 1001 {
		many[strings.Repeat("a", i+1)] = ""
	}
	r.refused(r.member, http.StatusBadRequest, "inputs", http.MethodPost, path, api.DynamicParametersRequest{Inputs: many})
}
