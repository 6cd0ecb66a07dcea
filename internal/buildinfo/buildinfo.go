// Package buildinfo knows which release this binary is. The linker sets the
// version; a plain build calls itself a development build.
package buildinfo

import (
	"runtime/debug"
	"strings"
)

// version is set by the linker: -ldflags "-X coder.internal/internal/buildinfo.version=v1.2.3".
var version string

// APIVersion numbers are what clients of the reference look for in buildinfo.
const (
	AgentAPIVersion       = "2.10"
	ProvisionerAPIVersion = "1.18"
)

// Version returns the semantic version with a leading v.
func Version() string {
	if version != "" {
		return version
	}
	if bi, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(bi.Main.Version, "v") {
		return bi.Main.Version
	}
	return "v0.0.0-devel"
}
