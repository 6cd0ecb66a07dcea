package templates_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/cmd/internal/cli/templates"
	"coder.internal/internal/wsconn"
)

func module(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "My Template")
	for name, content := range map[string]string{"main.tf": "# tf", "sub/x.sh": "echo", "terraform.tfstate": "secret",
		"terraform.tfstate.backup": "secret", ".terraform/p": "big", ".git/HEAD": "x", "terraform.tfvars": "size = 3\nname = \"weak\"\n"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	return dir
}

func names(t *testing.T, archive []byte) []string {
	t.Helper()
	var out []string
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, h.Name)
	}
}

func TestTarLeavesOutStateAndWorkFiles(t *testing.T) {
	t.Parallel()
	dir := module(t)
	a, err := templates.Tar(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"main.tf", "sub/", "sub/x.sh", "terraform.tfvars"}, names(t, a))
	again, err := templates.Tar(dir)
	require.NoError(t, err)
	require.Equal(t, a, again, "the same content is the same archive")

	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link")))
	_, err = templates.Tar(dir)
	require.ErrorContains(t, err, "leads out of the directory")
	require.NoError(t, os.Remove(filepath.Join(dir, "link")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "big"), make([]byte, 11<<20), 0o600))
	_, err = templates.Tar(dir)
	require.ErrorContains(t, err, "larger than 10 MiB")
	_, err = templates.Tar(t.TempDir())
	require.ErrorContains(t, err, "no .tf file")
}

func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	pack := func(h tar.Header, content string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		h.Size = int64(len(content))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte(content))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "in")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.Error(t, templates.Unpack(pack(tar.Header{Name: "../evil", Mode: 0o644}, "x"), api.ContentTypeTar, dir))
	require.NoError(t, os.Symlink(parent, filepath.Join(dir, "out")))
	require.Error(t, templates.Unpack(pack(tar.Header{Name: "out/evil", Mode: 0o644}, "x"), api.ContentTypeTar, dir))
	_, err := os.Stat(filepath.Join(parent, "evil"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, templates.Unpack(pack(tar.Header{Name: "a/b.tf", Mode: 0o644}, "x"), api.ContentTypeTar, dir))
	b, err := os.ReadFile(filepath.Join(dir, "a", "b.tf"))
	require.NoError(t, err)
	require.Equal(t, "x", string(b))
}

func TestParseTFVars(t *testing.T) {
	t.Parallel()
	got, err := templates.ParseTFVars([]byte("# c\na = \"x\\n$${y}\" // c\nb=3.5\nc = true\nd = [\"]\", 1]\n/* c */ e = {\n  k = \"v\"\n}\nf = <<-EOT\n    one\n      two\n    EOT\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "x\n${y}", "b": "3.5", "c": "true", "d": `["]", 1]`, "e": "{\n  k = \"v\"\n}", "f": "one\n  two\n"}, got)
	for _, bad := range []string{"a", "a =", "a = var.x", "a = \"${x}\"", "a = \"x", "a = [1", "a = 1 b = 2", "a = <<EOT\nx", "= 1"} {
		_, err := templates.ParseTFVars([]byte(bad))
		require.Error(t, err, bad)
	}
}

func FuzzParseTFVars(f *testing.F) {
	f.Add([]byte("a = \"x\"\nb = [1,2]\nc = <<EOT\nx\nEOT\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := templates.ParseTFVars(b)
		for name := range values {
			if name == "" || err != nil {
				t.Fatalf("%q: name %q, error %v", b, name, err)
			}
		}
	})
}

// deployment plays the routes of an import.
type deployment struct {
	job      api.ProvisionerJob
	logs     []api.ProvisionerJobLog
	request  api.CreateTemplateVersionRequest
	uploaded []byte
	created  atomic.Int32
}

func (d *deployment) routes(t *testing.T) map[string]http.HandlerFunc {
	id := api.NewID()
	version := func() api.TemplateVersion { return api.TemplateVersion{ID: id, Name: "v1", Job: d.job} }
	return map[string]http.HandlerFunc{
		"POST /api/v2/files": func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, api.ContentTypeTar, r.Header.Get("Content-Type"))
			d.uploaded, _ = io.ReadAll(r.Body)
			clitest.JSON(201, api.UploadResponse{ID: api.NewID()})(w, r)
		},
		"POST /api/v2/organizations/default/templateversions": func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&d.request))
			clitest.JSON(201, version())(w, r)
		},
		"GET /api/v2/templateversions/{id}": func(w http.ResponseWriter, r *http.Request) { clitest.JSON(200, version())(w, r) },
		"GET /api/v2/templateversions/{id}/logs": func(w http.ResponseWriter, r *http.Request) {
			ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
			require.NoError(t, err)
			for _, l := range d.logs {
				require.NoError(t, ws.Write(r.Context(), l))
			}
			_ = ws.Close(wsconn.CodeNormal, "")
		},
		"POST /api/v2/organizations/default/templates": func(w http.ResponseWriter, r *http.Request) {
			d.created.Add(1)
			clitest.JSON(201, api.Template{Name: "my-template"})(w, r)
		},
	}
}

func TestPushCreatesTheTemplate(t *testing.T) {
	t.Parallel()
	d := &deployment{job: api.ProvisionerJob{Status: api.JobSucceeded},
		logs: []api.ProvisionerJobLog{{ID: 1, Stage: "Setting up", Level: api.LogInfo}, {ID: 2, Stage: "Planning", Level: api.LogDebug, Output: "noise"}}}
	c := clitest.Signed(t, d.routes(t))
	dir := module(t)
	r := c.Run("templates", "push", "-d", dir)
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "--yes", "it asks before it creates")
	require.Zero(t, d.created.Load())

	r = c.Run("templates", "push", "-d", dir, "--yes", "--variable", "name=strong")
	require.Zero(t, r.Code, r.Stderr)
	require.Regexp(t, `(?m)^✓ Setting up +0\.0s\n✓ Planning +0\.0s\nTemplate my-template was created with version v1\.`, r.Stdout)
	require.NotContains(t, r.Stdout, "noise")
	require.NotContains(t, r.Stdout+r.Stderr, "\x1b")
	require.EqualValues(t, 1, d.created.Load())
	require.ElementsMatch(t, []api.VariableValue{{Name: "name", Value: "strong"}, {Name: "size", Value: "3"}}, d.request.UserVariableValues)
	require.Contains(t, names(t, d.uploaded), "main.tf")

	zipped, err := templates.ToZip(d.uploaded)
	require.NoError(t, err)
	out := t.TempDir()
	require.NoError(t, templates.Unpack(zipped, api.ContentTypeZip, out))
	b, err := os.ReadFile(filepath.Join(out, "sub", "x.sh"))
	require.NoError(t, err)
	require.Equal(t, "echo", string(b))
}

func TestFailedImportShowsTerraformsWords(t *testing.T) {
	t.Parallel()
	d := &deployment{job: api.ProvisionerJob{Status: api.JobFailed, Error: "terraform plan: exit status 1"},
		logs: []api.ProvisionerJobLog{{ID: 1, Stage: "Planning", Level: api.LogError, Output: "Error: Invalid reference\n"},
			{ID: 2, Stage: "Planning", Level: api.LogError, Output: "  on main.tf line 3, in resource"}}}
	c := clitest.Signed(t, d.routes(t))
	r := c.Run("templates", "push", "-d", module(t), "--yes")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stdout, "✗ Planning")
	require.Contains(t, r.Stdout, "Error: Invalid reference")
	require.Contains(t, r.Stdout, "on main.tf line 3")
	require.Contains(t, r.Stderr, "error: The import failed: terraform plan: exit status 1")
	require.Zero(t, d.created.Load())
}

func TestInitWritesAStarter(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	require.Contains(t, c.Run("templates", "init", "--id", "host").Stderr, "full coder binary")
	c.Hooks.Starters = func() ([]templates.Starter, error) {
		return []templates.Starter{{ID: "host", Name: "Host", Files: fstest.MapFS{"main.tf": {Data: []byte("# host")}, "a/b": {Data: []byte("b")}}}}, nil
	}
	dir := filepath.Join(t.TempDir(), "new")
	r := c.Run("templates", "init", "--id", "host", dir)
	require.Zero(t, r.Code, r.Stderr)
	b, err := os.ReadFile(filepath.Join(dir, "a", "b"))
	require.NoError(t, err)
	require.Equal(t, "b", string(b))
	require.Contains(t, c.Run("templates", "init", "--id", "nope", dir).Stderr, "there are host")
	require.Contains(t, c.Run("templates", "init", "--id", "host", dir).Stderr, "--yes", "a full directory is asked about")
}
