package terraform

import (
	"slices"
	"strings"

	"coder.internal/provisionerd/coderprovider"
)

// own is how Terraform's init speaks of our provider.
const own = "coder/coder"

// initText returns what people see of a line that init printed: not the advice to
// keep a lock file, and of our own provider only where it comes from.
func initText(m message) (string, bool) {
	switch {
	case m.Code == "lock_info", strings.HasPrefix(m.Message, "Installing provider version: "+own+" "):
		return "", false
	case strings.HasPrefix(m.Message, "Installed provider version: "+own+" "):
		return "The provider " + own + " " + coderprovider.Version + " is built into this provisioner.", true
	}
	return m.Message, true
}

// incompleteLock is the warning of init about providers whose checksum is known
// for this platform only.
const incompleteLock = "Incomplete lock file information for providers"

// withoutOwn takes our provider out of the list in such a warning; nobody locks
// it. It returns false when no other provider is left.
func withoutOwn(d diagnostic) (diagnostic, bool) {
	if d.Severity != "warning" || d.Summary != incompleteLock {
		return d, true
	}
	isItem := func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "- ") }
	lines := slices.DeleteFunc(strings.Split(d.Detail, "\n"), func(line string) bool {
		return strings.TrimSpace(line) == "- "+own
	})
	d.Detail = strings.Join(lines, "\n")
	return d, slices.ContainsFunc(lines, isItem)
}
