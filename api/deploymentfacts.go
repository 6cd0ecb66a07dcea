package api

// Experiment is a part that is not finished and is off until it is asked for.
type Experiment string

// Banner is a line above all pages.
type Banner struct {
	Enabled         bool   `json:"enabled"`
	Message         string `json:"message,omitempty"`
	BackgroundColor string `json:"background_color,omitempty"`
}

// SupportLink is a link that people see where they look for help.
type SupportLink struct {
	Name     string `json:"name"`
	Target   string `json:"target"`
	Icon     string `json:"icon" enum:"bug,chat,docs,star"`
	Location string `json:"location,omitempty" enum:"navbar,dropdown"`
}

// Appearance is how pages present the deployment.
type Appearance struct {
	ApplicationName     string        `json:"application_name"`
	LogoURL             string        `json:"logo_url"`
	DocsURL             string        `json:"docs_url"`
	ServiceBanner       Banner        `json:"service_banner"`
	AnnouncementBanners []Banner      `json:"announcement_banners"`
	SupportLinks        []SupportLink `json:"support_links"`
}

// UpdateCheck says whether the server is the newest that it knows. It asks nobody
// outside, so the newest that it knows is itself.
type UpdateCheck struct {
	Current bool   `json:"current"`
	Version string `json:"version"`
	URL     string `json:"url"`
}

// DeploymentRegion is a place that serves applications and terminals.
type DeploymentRegion struct {
	ID               ID     `json:"id"`
	Name             string `json:"name"`
	DisplayName      string `json:"display_name"`
	IconURL          string `json:"icon_url"`
	Healthy          bool   `json:"healthy"`
	PathAppURL       string `json:"path_app_url"`
	WildcardHostname string `json:"wildcard_hostname"`
}

// RegionsResponse lists the regions, the primary first.
type RegionsResponse struct {
	Regions []DeploymentRegion `json:"regions"`
}

// AppHost is the host name below which applications have their own, with a star
// in their place; empty where there is none.
type AppHost struct {
	Host string `json:"host"`
}
