package api

import "time"

// UploadResponse names an uploaded archive. The field is called hash for
// historical reasons; it holds the file's id.
type UploadResponse struct {
	ID ID `json:"hash"`
}

// Content types of template archives.
const (
	ContentTypeTar = "application/x-tar"
	ContentTypeZip = "application/zip"
)

// Template is a named series of template versions, one of them active.
type Template struct {
	ID                           ID     `json:"id"`
	OrganizationID               ID     `json:"organization_id"`
	OrganizationName             string `json:"organization_name"`
	OrganizationDisplayName      string `json:"organization_display_name"`
	OrganizationIcon             string `json:"organization_icon"`
	Name                         string `json:"name"`
	DisplayName                  string `json:"display_name"`
	Description                  string `json:"description"`
	Icon                         string `json:"icon"`
	Provisioner                  string `json:"provisioner"`
	ActiveVersionID              ID     `json:"active_version_id"`
	ActiveUserCount              int    `json:"active_user_count"`
	Deprecated                   bool   `json:"deprecated"`
	DeprecationMessage           string `json:"deprecation_message"`
	Deleted                      bool   `json:"deleted"`
	CreatedByID                  ID     `json:"created_by_id"`
	CreatedByName                string `json:"created_by_name"`
	DefaultTTLMillis             int64  `json:"default_ttl_ms"`
	ActivityBumpMillis           int64  `json:"activity_bump_ms"`
	AllowUserAutostart           bool   `json:"allow_user_autostart"`
	AllowUserAutostop            bool   `json:"allow_user_autostop"`
	AllowUserCancelWorkspaceJobs bool   `json:"allow_user_cancel_workspace_jobs"`
	RequireActiveVersion         bool   `json:"require_active_version"`
	MaxPortShareLevel            string `json:"max_port_share_level"`
	CORSBehavior                 string `json:"cors_behavior"`
	// UseClassicParameterFlow says that the parameters are those that the import
	// found, whatever people answer.
	UseClassicParameterFlow bool      `json:"use_classic_parameter_flow"`
	CreatedAt               time.Time `json:"created_at"`
	UpdatedAt               time.Time `json:"updated_at"`
}

// CreateTemplateRequest makes a template from a version whose import succeeded.
type CreateTemplateRequest struct {
	Name                         string `json:"name" maxLength:"32"`
	DisplayName                  string `json:"display_name,omitempty" maxLength:"64"`
	Description                  string `json:"description,omitempty" maxLength:"128"`
	Icon                         string `json:"icon,omitempty" maxLength:"256"`
	VersionID                    ID     `json:"template_version_id"`
	DefaultTTLMillis             *int64 `json:"default_ttl_ms,omitempty"`
	AllowUserCancelWorkspaceJobs *bool  `json:"allow_user_cancel_workspace_jobs,omitempty"`
	RequireActiveVersion         bool   `json:"require_active_version,omitempty"`
	UseClassicParameterFlow      bool   `json:"template_use_classic_parameter_flow,omitempty"`
	// MaxPortShareLevel is the widest level that ports are shared with, and
	// CORSBehavior who answers browsers about other origins; public and simple when empty.
	MaxPortShareLevel string `json:"max_port_share_level,omitempty" maxLength:"32"`
	CORSBehavior      string `json:"cors_behavior,omitempty" maxLength:"32"`
	// DisableEveryoneGroupAccess makes a template that only those who administrate
	// templates see, until its access list says more.
	DisableEveryoneGroupAccess bool `json:"disable_everyone_group_access,omitempty"`
}

// UpdateTemplateRequest changes what a template is called and shows. Absent
// fields stay as they are.
type UpdateTemplateRequest struct {
	Name                         *string `json:"name,omitempty" maxLength:"32"`
	DisplayName                  *string `json:"display_name,omitempty" maxLength:"64"`
	Description                  *string `json:"description,omitempty" maxLength:"128"`
	Icon                         *string `json:"icon,omitempty" maxLength:"256"`
	DeprecationMessage           *string `json:"deprecation_message,omitempty" maxLength:"1024"`
	DefaultTTLMillis             *int64  `json:"default_ttl_ms,omitempty"`
	AllowUserCancelWorkspaceJobs *bool   `json:"allow_user_cancel_workspace_jobs,omitempty"`
	RequireActiveVersion         *bool   `json:"require_active_version,omitempty"`
	UseClassicParameterFlow      *bool   `json:"use_classic_parameter_flow,omitempty"`
	MaxPortShareLevel            *string `json:"max_port_share_level,omitempty" maxLength:"32"`
	CORSBehavior                 *string `json:"cors_behavior,omitempty" maxLength:"32"`
	// DisableEveryoneGroupAccess takes the organization's members off the access
	// list (true) or lets them use the template (false).
	DisableEveryoneGroupAccess *bool `json:"disable_everyone_group_access,omitempty"`
}

// MinimalUser names a user inside another object.
type MinimalUser struct {
	ID        ID     `json:"id"`
	Username  string `json:"username"`
	Name      string `json:"name,omitempty"`
	AvatarURL string `json:"avatar_url,omitempty"`
}

// TemplateVersion is one uploaded module; it is usable once its job succeeded.
type TemplateVersion struct {
	ID             ID             `json:"id"`
	TemplateID     *ID            `json:"template_id,omitempty"`
	OrganizationID ID             `json:"organization_id"`
	Name           string         `json:"name"`
	Message        string         `json:"message"`
	Readme         string         `json:"readme"`
	Archived       bool           `json:"archived"`
	CreatedBy      MinimalUser    `json:"created_by"`
	Job            ProvisionerJob `json:"job"`
	// HasExternalAgent says that people start an agent of the template themselves.
	HasExternalAgent bool `json:"has_external_agent"`
	// MatchedProvisioners is there while the job waits.
	MatchedProvisioners *MatchedProvisioners `json:"matched_provisioners,omitempty"`
	CreatedAt           time.Time            `json:"created_at"`
	UpdatedAt           time.Time            `json:"updated_at"`
}

// CreateTemplateVersionRequest starts an import. Either FileID (an upload) or
// ExampleID (a starter template) says what to import.
type CreateTemplateVersionRequest struct {
	Name               string            `json:"name,omitempty" maxLength:"64"`
	Message            string            `json:"message,omitempty" maxLength:"1048576"`
	TemplateID         ID                `json:"template_id,omitzero"`
	StorageMethod      string            `json:"storage_method" enum:"file"`
	FileID             ID                `json:"file_id,omitzero"`
	ExampleID          string            `json:"example_id,omitempty" maxLength:"64"`
	Provisioner        string            `json:"provisioner" enum:"terraform,echo"`
	ProvisionerTags    map[string]string `json:"tags,omitempty"`
	UserVariableValues []VariableValue   `json:"user_variable_values,omitempty" maxItems:"1000"`
}

// UpdateTemplateVersionRequest renames a version or changes its message.
type UpdateTemplateVersionRequest struct {
	Name    *string `json:"name,omitempty" maxLength:"64"`
	Message *string `json:"message,omitempty" maxLength:"1048576"`
}

// UpdateActiveTemplateVersionRequest promotes a version.
type UpdateActiveTemplateVersionRequest struct {
	ID ID `json:"id"`
}

// ArchiveTemplateVersionsRequest archives the versions of a template that no
// workspace uses: those whose import failed, with All every one but the active.
type ArchiveTemplateVersionsRequest struct {
	All bool `json:"all,omitempty"`
}

// ArchiveTemplateVersionsResponse names what was archived.
type ArchiveTemplateVersionsResponse struct {
	TemplateID  ID   `json:"template_id"`
	ArchivedIDs []ID `json:"archived_ids"`
}

// CreateTemplateVersionDryRunRequest asks what a new workspace of a version
// would have. VariableValues replace those of the version.
type CreateTemplateVersionDryRunRequest struct {
	WorkspaceName   string           `json:"workspace_name,omitempty" maxLength:"32"`
	ParameterValues []ParameterValue `json:"rich_parameter_values,omitempty" maxItems:"1000"`
	VariableValues  []VariableValue  `json:"user_variable_values,omitempty" maxItems:"1000"`
}

// VariableValue is the value of one Terraform input variable of a version.
type VariableValue struct {
	Name  string `json:"name" maxLength:"1024"`
	Value string `json:"value" maxLength:"1048576"`
}

// TemplateVersionVariable is one Terraform input variable as declared.
type TemplateVersionVariable struct {
	Name         string `json:"name"`
	Description  string `json:"description"`
	Type         string `json:"type"`
	Value        string `json:"value"`
	DefaultValue string `json:"default_value"`
	Required     bool   `json:"required"`
	Sensitive    bool   `json:"sensitive"`
}

// TemplateVersionParameter is one coder_parameter that people fill in.
type TemplateVersionParameter struct {
	Name                 string                           `json:"name"`
	DisplayName          string                           `json:"display_name"`
	Description          string                           `json:"description"`
	DescriptionPlaintext string                           `json:"description_plaintext"`
	Type                 string                           `json:"type"`
	FormType             string                           `json:"form_type"`
	Mutable              bool                             `json:"mutable"`
	DefaultValue         string                           `json:"default_value"`
	Icon                 string                           `json:"icon"`
	Options              []TemplateVersionParameterOption `json:"options"`
	ValidationError      string                           `json:"validation_error"`
	ValidationRegex      string                           `json:"validation_regex"`
	ValidationMin        *int64                           `json:"validation_min,omitempty"`
	ValidationMax        *int64                           `json:"validation_max,omitempty"`
	ValidationMonotonic  string                           `json:"validation_monotonic"`
	Required             bool                             `json:"required"`
	Ephemeral            bool                             `json:"ephemeral"`
}

// TemplateVersionParameterOption is one choice of a parameter.
type TemplateVersionParameterOption struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Value       string `json:"value"`
	Icon        string `json:"icon"`
}

// Preset is a named set of parameter values. The names of its fields are those of
// the reference, without JSON tags there.
type Preset struct {
	ID                       ID                `json:"ID"`
	Name                     string            `json:"Name"`
	Description              string            `json:"Description"`
	Icon                     string            `json:"Icon"`
	Default                  bool              `json:"Default"`
	DesiredPrebuildInstances *int              `json:"DesiredPrebuildInstances"`
	Parameters               []PresetParameter `json:"Parameters"`
}

// PresetParameter is one value of a preset.
type PresetParameter struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// TemplateVersionExternalAuth is an external service that a template asks its
// users to sign in to.
type TemplateVersionExternalAuth struct {
	ID              string `json:"id"`
	Type            string `json:"type"`
	DisplayName     string `json:"display_name"`
	DisplayIcon     string `json:"display_icon"`
	AuthenticateURL string `json:"authenticate_url"`
	Optional        bool   `json:"optional,omitempty"`
	Authenticated   bool   `json:"authenticated"`
}

// TemplateExample is a starter template inside the server.
type TemplateExample struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Icon        string   `json:"icon"`
	Tags        []string `json:"tags"`
	Markdown    string   `json:"markdown"`
	URL         string   `json:"url"`
}
