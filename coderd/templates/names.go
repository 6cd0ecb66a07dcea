package templates

import (
	"fmt"
	"regexp"

	"coder.internal/api"
)

// maxVersionName is the longest name of a version.
const maxVersionName = 64

var versionForm = regexp.MustCompile(`^[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$`)

// checkVersionName refuses names that a version may not have.
func checkVersionName(name string) error {
	if len(name) > maxVersionName {
		return api.Invalid("name", fmt.Sprintf("%d characters are too many; use at most %d.", len(name), maxVersionName))
	}
	if !versionForm.MatchString(name) {
		return api.Invalid("name", "use letters and digits, with single dots, hyphens and underscores between them.")
	}
	return nil
}

// generatedName makes a name that people can say, from the randomness of an id.
func generatedName(id api.ID) string {
	number := (int(id[2])<<8 | int(id[3])) % 10_000
	return fmt.Sprintf("%s_%s%d", adjectives()[int(id[0])%len(adjectives())], nouns()[int(id[1])%len(nouns())], number)
}

func adjectives() []string {
	return []string{"amber", "brave", "brisk", "calm", "clear", "crisp", "deep", "eager", "early", "fair", "fleet",
		"fresh", "gentle", "glad", "golden", "grand", "green", "happy", "keen", "kind", "light", "lively", "lucky",
		"mellow", "merry", "mild", "neat", "noble", "plain", "proud", "quick", "quiet", "rapid", "ready", "rosy",
		"sharp", "silent", "silver", "smart", "smooth", "snug", "solid", "steady", "still", "sunny", "swift", "tidy",
		"vivid", "warm", "wise"}
}

func nouns() []string {
	return []string{"acorn", "anchor", "aspen", "badger", "beacon", "birch", "bridge", "brook", "canyon", "cedar",
		"cliff", "cloud", "comet", "coral", "crane", "dune", "eagle", "ember", "falcon", "fern", "finch", "fjord",
		"garden", "glade", "harbor", "heron", "hill", "island", "lake", "lantern", "maple", "meadow", "moon", "otter",
		"owl", "pebble", "pine", "pond", "reef", "ridge", "river", "robin", "sail", "shore", "sparrow", "spring",
		"stone", "summit", "trail", "willow"}
}
