package api

// ValueSource says where the value of an option came from.
type ValueSource string

// The sources, the strongest first.
const (
	SourceFlag    ValueSource = "flag"
	SourceEnv     ValueSource = "env"
	SourceYAML    ValueSource = "yaml"
	SourceDefault ValueSource = "default"
	SourceNone    ValueSource = ""
)

// OptionGroup is a heading under which options stand. YAML is where their keys
// begin, empty where they have no prefix in common.
type OptionGroup struct {
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	YAML        string       `json:"yaml,omitempty"`
	Parent      *OptionGroup `json:"parent,omitempty"`
}

// DeploymentOption is one option of the server. Value has the type of the option:
// true, 3, "text", or a list of texts. What a secret one holds is never sent: its
// value is null, and value_source says whether it is set.
type DeploymentOption struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Flag        string            `json:"flag"`
	Shorthand   string            `json:"flag_shorthand,omitempty"`
	Env         string            `json:"env"`
	YAML        string            `json:"yaml"`
	Group       OptionGroup       `json:"group"`
	Default     string            `json:"default"`
	Value       any               `json:"value"`
	ValueSource ValueSource       `json:"value_source"`
	Hidden      bool              `json:"hidden"`
	Required    bool              `json:"required"`
	Secret      bool              `json:"secret"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// DeploymentConfig is how the replica that answers is set up. Config has the
// values by name, in sections; Options has everything about each option.
type DeploymentConfig struct {
	Config  map[string]any     `json:"config"`
	Options []DeploymentOption `json:"options"`
}
