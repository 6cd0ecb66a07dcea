package api

// DynamicParametersRequest asks for the parameters of a template version as they
// are with these inputs. ID comes back in the answer; OwnerID is the future owner
// of the workspace, the caller if zero.
type DynamicParametersRequest struct {
	ID      int               `json:"id,omitzero"`
	Inputs  map[string]string `json:"inputs,omitempty"`
	OwnerID ID                `json:"owner_id,omitzero"`
}

// DynamicParametersResponse is the answer. Diagnostics of one parameter stand with
// it, those of the whole template here.
type DynamicParametersResponse struct {
	ID          int                `json:"id"`
	Diagnostics []Diagnostic       `json:"diagnostics"`
	Parameters  []PreviewParameter `json:"parameters"`
}

// Diagnostic is one finding about a template or a value.
type Diagnostic struct {
	Severity string          `json:"severity"` // DiagnosticError or DiagnosticWarning
	Summary  string          `json:"summary"`
	Detail   string          `json:"detail"`
	Extra    DiagnosticExtra `json:"extra"`
}

// Severities of a Diagnostic.
const (
	DiagnosticError   = "error"
	DiagnosticWarning = "warning"
)

// DiagnosticExtra carries a code that programs can act on.
type DiagnosticExtra struct {
	Code string `json:"code"`
}

// CodeRequired is the Diagnostic code of a required parameter without a value.
const CodeRequired = "required"

// HCLString is a text that may be absent or not known.
type HCLString struct {
	Value string `json:"value"`
	Valid bool   `json:"valid"`
}

// PreviewParameter is a coder_parameter with the value that it has for given
// inputs.
type PreviewParameter struct {
	Name         string                       `json:"name"`
	DisplayName  string                       `json:"display_name"`
	Description  string                       `json:"description"`
	Type         string                       `json:"type"`
	FormType     string                       `json:"form_type"`
	Styling      PreviewParameterStyling      `json:"styling"`
	Mutable      bool                         `json:"mutable"`
	DefaultValue HCLString                    `json:"default_value"`
	Icon         string                       `json:"icon"`
	Options      []PreviewParameterOption     `json:"options"`
	Validations  []PreviewParameterValidation `json:"validations"`
	Required     bool                         `json:"required"`
	Order        int64                        `json:"order"`
	Ephemeral    bool                         `json:"ephemeral"`
	Value        HCLString                    `json:"value"`
	Diagnostics  []Diagnostic                 `json:"diagnostics"`
}

// PreviewParameterStyling is how a form shows a parameter.
type PreviewParameterStyling struct {
	Placeholder *string `json:"placeholder,omitempty"`
	Disabled    *bool   `json:"disabled,omitempty"`
	Label       *string `json:"label,omitempty"`
	MaskInput   *bool   `json:"mask_input,omitempty"`
}

// PreviewParameterOption is one choice.
type PreviewParameterOption struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Value       HCLString `json:"value"`
	Icon        string    `json:"icon"`
}

// PreviewParameterValidation is one validation block.
type PreviewParameterValidation struct {
	Error     string  `json:"validation_error"`
	Regex     *string `json:"validation_regex"`
	Min       *int64  `json:"validation_min"`
	Max       *int64  `json:"validation_max"`
	Monotonic *string `json:"validation_monotonic"`
}
