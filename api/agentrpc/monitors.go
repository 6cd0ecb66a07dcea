package agentrpc

// PathMonitors takes a Monitors by POST.
const PathMonitors = "/api/v2/workspaceagents/me/monitors"

// States of a watched resource. It is nok from the time its usage has stayed at or
// above the threshold until it has stayed clearly below.
const (
	MonitorOK  = "ok"
	MonitorNOK = "nok"
)

// Monitors carries the watched resources whose state changed.
type Monitors struct {
	States []MonitorState `json:"states" maxItems:"65"`
}

// MonitorState is the state of the volume at Path, of the memory where Path is
// empty. UsedPercent is what was measured last.
type MonitorState struct {
	Path        string `json:"path"`
	State       string `json:"state"`
	UsedPercent int    `json:"used_percent"`
}
