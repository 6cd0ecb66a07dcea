package templates_test

import (
	"archive/tar"
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const org = "/api/v2/organizations/default"

// rig is a deployment with its owner, a plain member, and the one daemon that
// the test plays.
type rig struct {
	t      *testing.T
	d      *coderdtest.Deployment
	owner  *coderdtest.Client
	member *coderdtest.Client
	daemon jobrpc.AcquireRequest
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, d: coderdtest.New(t)}
	r.owner = r.d.FirstUser(t)
	r.member = r.d.NewUser(t, r.owner, "bob")
	r.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test", Wait: 20 * time.Second}
	return r
}

// tarOf packs files of one name each.
func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := []byte("# " + h.Name)
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		h.Mode = 0o644
		require.NoError(t, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write(content)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// upload posts raw bytes.
func (r *rig) upload(c *coderdtest.Client, contentType string, data []byte) (int, []byte) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.d.URL.String()+"/api/v2/files", bytes.NewReader(data))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set(api.SessionTokenHeader, c.Token.Reveal())
	res, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	text, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return res.StatusCode, text
}

// push makes a version of the starter template.
func (r *rig) push(req api.CreateTemplateVersionRequest) api.TemplateVersion {
	r.t.Helper()
	req.StorageMethod, req.Provisioner = "file", "terraform"
	if req.FileID.IsZero() && req.ExampleID == "" {
		req.ExampleID = "host"
	}
	return coderdtest.Do[api.TemplateVersion](r.t, r.owner, http.StatusCreated, http.MethodPost, org+"/templateversions", req)
}

// acquire takes the next job as the daemon.
func (r *rig) acquire() *jobrpc.Job {
	r.t.Helper()
	job, err := r.d.Jobs.Acquire(r.t.Context(), r.daemon)
	require.NoError(r.t, err)
	require.NotNil(r.t, job)
	return job
}

// imported pushes a version and completes its import with res.
func (r *rig) imported(req api.CreateTemplateVersionRequest, res jobrpc.ImportResult) api.TemplateVersion {
	r.t.Helper()
	v := r.push(req)
	job := r.acquire()
	require.Equal(r.t, v.Job.ID, job.ID)
	require.NoError(r.t, r.d.Jobs.Complete(r.t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &res}))
	return coderdtest.Do[api.TemplateVersion](r.t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/templateversions/"+v.ID.String(), nil)
}

// template makes a template of a fresh version.
func (r *rig) template(name string) api.Template {
	r.t.Helper()
	v := r.imported(api.CreateTemplateVersionRequest{}, jobrpc.ImportResult{})
	return coderdtest.Do[api.Template](r.t, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: name, VersionID: v.ID})
}

// refused makes a request that must fail with status and name field.
func (r *rig) refused(c *coderdtest.Client, status int, field, method, path string, body any) {
	r.t.Helper()
	e := coderdtest.Do[api.Error](r.t, c, status, method, path, body)
	if field == "" {
		return
	}
	require.NotEmpty(r.t, e.Validations, "%s %s: %+v", method, path, e)
	require.Equal(r.t, field, e.Validations[0].Field, "%s %s: %+v", method, path, e)
}
