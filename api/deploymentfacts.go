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

// AppModes says in which ways applications and ports of workspaces can be opened, and
// why.
type AppModes struct {
	Modes []AppMode `json:"modes"`
}

// AppMode is one way. Reason is a sentence for people: what turns it on or off, and
// what follows.
type AppMode struct {
	Name    AppModeName `json:"name"`
	Enabled bool        `json:"enabled"`
	// URL is under what applications are: a pattern with a star, an origin for paths, or
	// empty.
	URL string `json:"url,omitempty"`
	// Sharing says that others can be let in.
	Sharing bool   `json:"sharing"`
	Reason  string `json:"reason"`
}

// AppModeName names a way to applications and ports.
type AppModeName string

// Ways to applications and ports.
const (
	AppModeSubdomain   AppModeName = "subdomain"
	AppModePath        AppModeName = "path"
	AppModePortForward AppModeName = "port-forward"
)
