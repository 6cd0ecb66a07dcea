package api

import "time"

// ListUserExternalAuthResponse is what a user can sign in to, and has.
type ListUserExternalAuthResponse struct {
	Providers []ExternalAuthLinkProvider `json:"providers"`
	Links     []ExternalAuthLink         `json:"links"`
}

// ExternalAuthLinkProvider is a service that users can sign in to.
type ExternalAuthLinkProvider struct {
	ID                   string   `json:"id"`
	Type                 string   `json:"type"`
	Device               bool     `json:"device"`
	DisplayName          string   `json:"display_name"`
	DisplayIcon          string   `json:"display_icon"`
	AllowRefresh         bool     `json:"allow_refresh"`
	AllowValidate        bool     `json:"allow_validate"`
	SupportsRevocation   bool     `json:"supports_revocation"`
	CodeChallengeMethods []string `json:"code_challenge_methods_supported"`
}

// ExternalAuthLink is the sign-in of a user to one service. A zero Expires is
// never. Authenticated says that a token can be had without the user.
type ExternalAuthLink struct {
	ProviderID      string    `json:"provider_id"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	HasRefreshToken bool      `json:"has_refresh_token"`
	Expires         time.Time `json:"expires"`
	Authenticated   bool      `json:"authenticated"`
	ValidateError   string    `json:"validate_error"`
}

// ExternalAuth is one service with what it says of the user who is signed in.
type ExternalAuth struct {
	Authenticated      bool                          `json:"authenticated"`
	Device             bool                          `json:"device"`
	DisplayName        string                        `json:"display_name"`
	SupportsRevocation bool                          `json:"supports_revocation"`
	User               *ExternalAuthUser             `json:"user"`
	AppInstallable     bool                          `json:"app_installable"`
	Installations      []ExternalAuthAppInstallation `json:"installations"`
	AppInstallURL      string                        `json:"app_install_url"`
}

// ExternalAuthUser is an account at a service, as far as the service tells.
type ExternalAuthUser struct {
	ID         int64  `json:"id"`
	Login      string `json:"login"`
	AvatarURL  string `json:"avatar_url"`
	ProfileURL string `json:"profile_url"`
	Name       string `json:"name"`
}

// ExternalAuthAppInstallation is where the app of a service is installed.
type ExternalAuthAppInstallation struct {
	ID           int64            `json:"id"`
	Account      ExternalAuthUser `json:"account"`
	ConfigureURL string           `json:"configure_url"`
}

// ExternalAuthDevice is what a user types at a service to sign in there from
// another machine. Times are in seconds.
type ExternalAuthDevice struct {
	DeviceCode      Secret `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int    `json:"expires_in"`
	Interval        int    `json:"interval"`
}

// ExternalAuthDeviceExchange asks whether the user has done so. Until then the
// answer is an Error with the Detail DeviceAuthorizationPending or DeviceSlowDown.
type ExternalAuthDeviceExchange struct {
	DeviceCode Secret `json:"device_code"`
}

// Details of the Error while a device flow waits for its user.
const (
	DeviceAuthorizationPending = "authorization_pending"
	DeviceSlowDown             = "slow_down"
)

// DeleteExternalAuthResponse says whether the service was told, too. The sign-in is
// forgotten in any case.
type DeleteExternalAuthResponse struct {
	TokenRevoked         bool   `json:"token_revoked"`
	TokenRevocationError string `json:"token_revocation_error,omitempty"`
}
