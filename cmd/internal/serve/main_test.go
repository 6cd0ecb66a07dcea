//go:build linux

package serve_test

import (
	"os"
	"testing"

	"coder.internal/cmd/internal/serve/servetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(derperVar) != "" {
		os.Exit(derper())
	}
	auditFlags()
	servetest.Main(m)
}
