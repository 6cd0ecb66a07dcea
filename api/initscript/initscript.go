// Package initscript holds the scripts that fetch the agent onto a machine and
// become it, one for each operating system.
//
// It owns their text only. A script leaves ${ACCESS_URL} and ${AUTH_TYPE} to be
// filled in, by the Terraform provider or by Fill; it never holds a token.
package initscript

import (
	_ "embed" // the scripts
	"strings"
)

//go:embed linux.sh
var linux string

//go:embed darwin.sh
var darwin string

//go:embed windows.ps1
var windows string

// Platform is one pair that agents are built for.
type Platform struct{ OS, Arch string }

// Platforms lists the pairs that Render knows.
func Platforms() []Platform {
	return []Platform{{"linux", "amd64"}, {"linux", "arm64"}, {"linux", "armv7"},
		{"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}
}

// Render returns the script for one platform, with ${ACCESS_URL} and
// ${AUTH_TYPE} still in it. ok is false for a pair that no agent is built for.
func Render(os, arch string) (script string, ok bool) {
	for _, p := range Platforms() {
		if p.OS == os && p.Arch == arch {
			text := map[string]string{"linux": linux, "darwin": darwin, "windows": windows}[os]
			return strings.ReplaceAll(text, "${ARCH}", arch), true
		}
	}
	return "", false
}

// Fill puts the access URL, which gets a trailing slash, and the way to sign in
// into a rendered script.
func Fill(script, accessURL, authType string) string {
	return strings.NewReplacer("${ACCESS_URL}", strings.TrimRight(accessURL, "/")+"/", "${AUTH_TYPE}", authType).Replace(script)
}
