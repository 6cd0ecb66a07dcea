package api

import "time"

// UserStatus says whether a user may sign in.
type UserStatus string

// User states. A dormant user becomes active by signing in; a suspended one
// cannot sign in at all.
const (
	UserActive    UserStatus = "active"
	UserDormant   UserStatus = "dormant"
	UserSuspended UserStatus = "suspended"
)

// LoginType is the way a user, or the key of a user, proves who they are.
type LoginType string

// Login types of users; LoginToken is the type of API tokens.
const (
	LoginPassword LoginType = "password"
	LoginGithub   LoginType = "github"
	LoginOIDC     LoginType = "oidc"
	LoginToken    LoginType = "token"
	LoginNone     LoginType = "none"
)

// Me is the user reference that stands for the caller.
const Me = "me"

// SlimRole names a role; OrganizationID is set for organization roles only.
type SlimRole struct {
	Name           string `json:"name"`
	DisplayName    string `json:"display_name"`
	OrganizationID ID     `json:"organization_id,omitzero"`
}

// User is a person or service account.
type User struct {
	ID               ID         `json:"id"`
	Username         string     `json:"username"`
	Name             string     `json:"name"`
	Email            string     `json:"email"`
	AvatarURL        string     `json:"avatar_url"`
	Status           UserStatus `json:"status"`
	LoginType        LoginType  `json:"login_type"`
	IsServiceAccount bool       `json:"is_service_account,omitempty"`
	ThemePreference  string     `json:"theme_preference"`
	OrganizationIDs  []ID       `json:"organization_ids"`
	Roles            []SlimRole `json:"roles"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
	LastSeenAt       time.Time  `json:"last_seen_at"`
}

// UsersResponse is one page of users and how many match in all.
type UsersResponse struct {
	Users []User `json:"users"`
	Count int    `json:"count"`
}

// CreateFirstUserRequest makes the owner of a new deployment.
type CreateFirstUserRequest struct {
	Email    string `json:"email" maxLength:"320"`
	Username string `json:"username" maxLength:"32"`
	Name     string `json:"name,omitempty" maxLength:"128"`
	Password Secret `json:"password" maxLength:"1024"`
	Trial    bool   `json:"trial,omitempty"`
}

// CreateFirstUserResponse names the new user and the default organization.
type CreateFirstUserResponse struct {
	UserID         ID `json:"user_id"`
	OrganizationID ID `json:"organization_id"`
}

// CreateUserRequest makes a user. Without organization ids the default one is
// joined. Password is required for LoginPassword and refused for the others. A
// service account signs in with tokens only: it has no address and no password.
type CreateUserRequest struct {
	Email           string     `json:"email,omitempty" maxLength:"320"`
	Username        string     `json:"username" maxLength:"32"`
	Name            string     `json:"name,omitempty" maxLength:"128"`
	Password        Secret     `json:"password,omitempty" maxLength:"1024"`
	LoginType       LoginType  `json:"login_type,omitempty"`
	UserStatus      UserStatus `json:"user_status,omitempty"`
	OrganizationIDs []ID       `json:"organization_ids,omitempty" maxItems:"100"`
	Roles           []string   `json:"roles,omitempty" maxItems:"64"`
	ServiceAccount  bool       `json:"service_account,omitempty"`
}

// UpdateUserPasswordRequest changes a password. OldPassword is required when
// users change their own.
type UpdateUserPasswordRequest struct {
	OldPassword Secret `json:"old_password,omitempty" maxLength:"1024"`
	Password    Secret `json:"password" maxLength:"1024"`
}

// UpdateUserProfileRequest changes the visible names of a user.
type UpdateUserProfileRequest struct {
	Username string `json:"username" maxLength:"32"`
	Name     string `json:"name,omitempty" maxLength:"128"`
	// AvatarURL is kept where it is absent; "" takes the picture away.
	AvatarURL *string `json:"avatar_url,omitempty" maxLength:"2048"`
}

// UpdateRolesRequest replaces the roles of a user.
type UpdateRolesRequest struct {
	Roles []string `json:"roles" maxItems:"64"`
}

// LoginRequest is a password login.
type LoginRequest struct {
	Email    string `json:"email" maxLength:"320"`
	Password Secret `json:"password" maxLength:"1024"`
}

// LoginResponse carries the session token of a successful login.
type LoginResponse struct {
	SessionToken Secret `json:"session_token"`
}

// AuthMethods says which ways to sign in are switched on.
type AuthMethods struct {
	TermsOfServiceURL string         `json:"terms_of_service_url,omitempty"`
	Password          AuthMethod     `json:"password"`
	Github            AuthMethod     `json:"github"`
	OIDC              OIDCAuthMethod `json:"oidc"`
}

// AuthMethod is the switch of one way to sign in.
type AuthMethod struct {
	Enabled bool `json:"enabled"`
}

// OIDCAuthMethod is the switch of OpenID Connect and how its button looks.
type OIDCAuthMethod struct {
	Enabled    bool   `json:"enabled"`
	SignInText string `json:"signInText"`
	IconURL    string `json:"iconUrl"`
}

// Organization isolates templates, provisioners and workspaces.
type Organization struct {
	ID          ID        `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"display_name"`
	Description string    `json:"description"`
	Icon        string    `json:"icon"`
	IsDefault   bool      `json:"is_default"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	// DefaultMemberRoles are held by every member without being given.
	DefaultMemberRoles []string `json:"default_org_member_roles"`
}

// OrganizationMember is a user's membership of one organization.
type OrganizationMember struct {
	UserID         ID         `json:"user_id"`
	OrganizationID ID         `json:"organization_id"`
	Username       string     `json:"username"`
	Name           string     `json:"name"`
	Email          string     `json:"email"`
	Roles          []SlimRole `json:"roles"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`

	AvatarURL        string     `json:"avatar_url"`
	GlobalRoles      []SlimRole `json:"global_roles"`
	Status           UserStatus `json:"status"`
	LoginType        LoginType  `json:"login_type"`
	IsServiceAccount bool       `json:"is_service_account,omitempty"`
	LastSeenAt       time.Time  `json:"last_seen_at"`
	UserCreatedAt    time.Time  `json:"user_created_at"`
	UserUpdatedAt    time.Time  `json:"user_updated_at"`
}

// Key is an API key: a session or a named token. The secret part is shown once,
// in GenerateKeyResponse. In the list of sessions, Current marks the one that asks.
type Key struct {
	ID              string            `json:"id"`
	UserID          ID                `json:"user_id"`
	Username        string            `json:"username,omitempty"`
	LoginType       LoginType         `json:"login_type"`
	TokenName       string            `json:"token_name"`
	Scope           string            `json:"scope"`
	Scopes          []string          `json:"scopes"`
	LastUsed        time.Time         `json:"last_used"`
	ExpiresAt       time.Time         `json:"expires_at"`
	CreatedAt       time.Time         `json:"created_at"`
	UpdatedAt       time.Time         `json:"updated_at"`
	LifetimeSeconds int64             `json:"lifetime_seconds"`
	AllowList       []AllowListTarget `json:"allow_list"`
	Current         bool              `json:"current,omitempty"`
}

// AllowListTarget is one thing, or with "*" any thing, that a token may touch.
type AllowListTarget struct {
	Type string `json:"type" maxLength:"64"`
	ID   string `json:"id" maxLength:"64"`
}

// CreateTokenRequest makes a named API token. Lifetime is in nanoseconds, as in
// Go's time.Duration; zero means the deployment's default. Without AllowList the
// scopes hold for everything.
type CreateTokenRequest struct {
	Lifetime  time.Duration     `json:"lifetime,omitempty"`
	TokenName string            `json:"token_name,omitempty" maxLength:"64"`
	Scope     string            `json:"scope,omitempty" maxLength:"64"`
	Scopes    []string          `json:"scopes,omitempty" maxItems:"100"`
	AllowList []AllowListTarget `json:"allow_list,omitempty" maxItems:"128"`
}

// GenerateKeyResponse carries the whole new key; it cannot be read again.
type GenerateKeyResponse struct {
	Key Secret `json:"key"`
}

// TokenConfig tells the longest lifetime a token of this user may have, in
// nanoseconds.
type TokenConfig struct {
	MaxTokenLifetime time.Duration `json:"max_token_lifetime"`
}

// ValidatePasswordRequest asks whether a new password would be taken.
type ValidatePasswordRequest struct {
	Password Secret `json:"password" maxLength:"2048"`
}

// ValidatePasswordResponse says whether it would, and if not, why.
type ValidatePasswordResponse struct {
	Valid   bool   `json:"valid"`
	Details string `json:"details"`
}

// TokenScopes lists the scopes that tokens may carry.
type TokenScopes struct {
	External []string `json:"external"`
}
