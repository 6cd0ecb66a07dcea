//go:build linux && chaos

package chaos

import (
	"testing"

	"coder.internal/cmd/internal/serve/servetest"
)

func TestMain(m *testing.M) { servetest.Main(m) }
