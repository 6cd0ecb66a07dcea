package terraform

import (
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

// incompleteLock is the warning of init about providers that came from a mirror.
// Its advice is for who keeps a lock file on a computer of another kind.
const incompleteLock = "Incomplete lock file information for providers"

// mirrored returns what people see instead of that warning: nothing when it is
// about our own provider alone. ok is false for any other diagnostic.
func mirrored(d *diagnostic) (text string, ok bool) {
	if d.Severity != "warning" || d.Summary != incompleteLock {
		return "", false
	}
	var names []string
	for line := range strings.SplitSeq(d.Detail, "\n") {
		if name, item := strings.CutPrefix(strings.TrimSpace(line), "- "); item && name != own {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", true
	}
	return "From the provider mirror, with a checksum computed here: " + strings.Join(names, ", ") + ".", true
}
