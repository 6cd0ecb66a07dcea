package agents

import (
	"regexp"
	"strings"

	"coder.internal/api/jobrpc"
)

// instanceKey matches one instance key in a Terraform address.
var instanceKey = regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`)

// Persistence says which resources a stop keeps, by what an import planned for
// a start and for a stop. Instances that the import did not know, because their
// keys come from parameters or names, are judged by their resource: it is kept if
// an instance of it was. Agents never count; they run on what is kept.
func Persistence(start, stop []string) func(address string) bool {
	started, kept, resources := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range start {
		started[a] = true
	}
	for _, a := range stop {
		kept[a], resources[instanceKey.ReplaceAllString(a, "")] = true, true
	}
	return func(address string) bool {
		resource := instanceKey.ReplaceAllString(address, "")
		if address == "" || strings.Contains("."+resource, ".coder_agent.") {
			return false
		}
		return kept[address] || !started[address] && resources[resource]
	}
}

// Addresses lists the addresses of resources.
func Addresses(resources []jobrpc.Resource) []string {
	out := make([]string, len(resources))
	for i, r := range resources {
		out[i] = r.Address
	}
	return out
}
