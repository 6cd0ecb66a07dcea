//go:build linux

package serve_test

import (
	"testing"

	"coder.internal/cmd/internal/serve/servetest"
)

func TestMain(m *testing.M) { servetest.Main(m) }
