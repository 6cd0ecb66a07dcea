package api

import "time"

// HealthSeverity grades a finding.
type HealthSeverity string

// The grades.
const (
	HealthOK      HealthSeverity = "ok"
	HealthWarning HealthSeverity = "warning"
	HealthError   HealthSeverity = "error"
)

// HealthMessage is one finding. Code is one of those that the documentation
// lists, such as EDB02.
type HealthMessage struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// HealthSection is what all sections of a HealthReport have.
type HealthSection struct {
	Healthy   bool            `json:"healthy"`
	Severity  HealthSeverity  `json:"severity"`
	Warnings  []HealthMessage `json:"warnings"`
	Dismissed bool            `json:"dismissed"`
	Error     string          `json:"error,omitempty"`
}

// AccessURLHealth says whether the server reaches itself by its access URL.
type AccessURLHealth struct {
	HealthSection
	AccessURL string `json:"access_url"`
	Reachable bool   `json:"reachable"`
}

// DatabaseHealth is the median latency of a few questions.
type DatabaseHealth struct {
	HealthSection
	Reachable   bool   `json:"reachable"`
	Latency     string `json:"latency"`
	LatencyMS   int64  `json:"latency_ms"`
	ThresholdMS int64  `json:"threshold_ms"`
}

// DaemonHealth is about the provisioner daemons that are there.
type DaemonHealth struct {
	HealthSection
	Online int `json:"online"`
}

// ReplicasHealth is about the server processes of the deployment.
type ReplicasHealth struct {
	HealthSection
	Online int `json:"online"`
}

// HealthReport is the state of the deployment as this replica sees it.
type HealthReport struct {
	Time         time.Time       `json:"time"`
	Healthy      bool            `json:"healthy"`
	Severity     HealthSeverity  `json:"severity"`
	CoderVersion string          `json:"coder_version"`
	AccessURL    AccessURLHealth `json:"access_url"`
	Database     DatabaseHealth  `json:"database"`
	DERP         HealthSection   `json:"derp"`
	Websocket    HealthSection   `json:"websocket"`
	Daemons      DaemonHealth    `json:"provisioner_daemons"`
	Replicas     ReplicasHealth  `json:"replicas"`
}
