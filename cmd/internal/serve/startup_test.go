//go:build linux

package serve_test

import (
	"archive/tar"
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// oneError wants an error of one line and returns it.
func oneError(t *testing.T, output string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "time=") && !strings.HasPrefix(line, "Coder is at") &&
			!strings.HasPrefix(line, "Only this machine") && !strings.HasPrefix(line, "Sign in") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	require.Len(t, found, 1, "%s", output)
	require.True(t, strings.HasPrefix(found[0], "error: "), "%s", output)
	return found[0]
}

func TestSecondServerOnAPort(t *testing.T) {
	t.Parallel()
	first := servetest.Start(t, servetest.Options{})
	second := servetest.New(t, servetest.Options{Args: []string{"--http-address", first.URL.Host}})
	line := oneError(t, second.Fail())
	require.Contains(t, line, "--http-address")
	require.Contains(t, line, first.URL.Host+" is in use")
}

// A client that has connected and says nothing does not hold the server up.
func TestStopsWithSilentConnections(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c, err := net.Dial("tcp", s.URL.Host)
	require.NoError(t, err)
	defer c.Close() //nolint:errcheck // the server has closed it
	// The listener's queue is served in order: the first one is known by now.
	res, err := http.Get(s.URL.JoinPath("healthz").String())
	require.NoError(t, err)
	_ = res.Body.Close()
	began := time.Now()
	s.Stop()
	require.Less(t, time.Since(began), 4*time.Second)
}

func TestUnreachablePostgres(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"nobody listens": "postgres://coder:s3cr3t-word@127.0.0.1:1/coder",
		"no such host":   "postgres://coder:s3cr3t-word@postgres.invalid/coder",
		"not a URL":      "postgres://coder:s3cr3t-word@127.0.0.1:port/coder",
		"not postgres":   "mysql://coder:s3cr3t-word@127.0.0.1/coder",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := servetest.New(t, servetest.Options{PostgresURL: url}).Fail()
			line := oneError(t, output)
			require.Contains(t, line, "postgres")
			require.NotContains(t, output, "s3cr3t-word")
		})
	}
}

func TestNoTerraform(t *testing.T) {
	t.Parallel()
	s := servetest.New(t, servetest.Options{Env: []string{"PATH=/nonexistent",
		"HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1"}})
	line := oneError(t, s.Fail())
	require.Contains(t, line, "terraform")
	require.Contains(t, line, "Install Terraform")
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key": {"networking:\n  http:\n    httpAdress: 127.0.0.1:0\n", "networking.http.httpAdress"},
		"bad value":   {"provisioning:\n  daemons: many\n", "not a whole number from 0 to 256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "coder.yaml")
			require.NoError(t, os.WriteFile(file, []byte(c.yaml), 0o600))
			line := oneError(t, servetest.New(t, servetest.Options{Args: []string{"--config", file}}).Fail())
			require.Contains(t, line, c.want)
			require.Contains(t, line, file)
		})
	}
}

func TestBadTemplates(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c := s.Admin(t)

	dir := c.WriteTemplate("syntax", "resource \"terraform_data\" \"a\" {\n  input = \n}\n")
	errs := c.Fails("templates", "push", "syntax", "-d", dir, "-y")
	require.Contains(t, errs, "main.tf")
	require.Regexp(t, `line 2`, errs)
	require.Contains(t, errs, "Invalid expression")

	dir = c.WriteTemplate("reference", "resource \"terraform_data\" \"a\" {\n\n  input = local.absent\n}\n")
	errs = c.Fails("templates", "push", "reference", "-d", dir, "-y")
	require.Regexp(t, `main\.tf.*line 3`, errs)
	require.Contains(t, errs, "undeclared local value")
	require.NotContains(t, c.OK("templates", "list"), "reference")

	for _, name := range []string{"../outside.tf", "/etc/outside.tf", "a/../../outside.tf"} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: 1}))
		_, err := w.Write([]byte("#"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		signed := c.Client()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL.String()+"/api/v2/files", &b)
		require.NoError(t, err)
		req.Header = signed.Header()
		req.Header.Set("Content-Type", "application/x-tar")
		res, err := signed.HTTPClient().Do(req)
		require.NoError(t, err)
		_ = res.Body.Close()
		require.Equal(t, http.StatusBadRequest, res.StatusCode, name)
	}
}
