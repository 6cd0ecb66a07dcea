//go:build linux

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

func TestMain(m *testing.M) { servetest.Main(m) }

// suffix keeps the names of people from being words that are reserved.
const suffix = "-tester"

// TestScripts runs testdata/script/*.txt against one server. Each script is a
// person of its own, named like the file with a suffix and signed in, who may write templates.
func TestScripts(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{Args: []string{"--allow-workspace-renames"}})
	admin := s.Admin(t)
	admin.PushStarter("host")
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txt"))
	require.NoError(t, err)
	people := map[string]*servetest.CLI{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		people[name] = s.User(t, admin, name+suffix)
		admin.OK("users", "edit-roles", name+suffix, "--roles", "template-admin", "-y")
	}
	// The scripts are parallel parts of this part, which so ends after them and
	// before the server is stopped.
	t.Run("all", func(t *testing.T) {
		testscript.Run(t, testscript.Params{Files: files, Setup: func(e *testscript.Env) error {
			name := strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")
			p := people[name]
			e.Vars = append(e.Vars, p.Env()...)
			e.Setenv("URL", s.URL.String())
			e.Setenv("NAME", name+suffix)
			e.Setenv("PASSWORD", servetest.Password)
			return nil
		}})
	})
}
