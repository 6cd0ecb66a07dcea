package agentrpc

import "coder.internal/api"

// PathExternalAuth answers GET with an ExternalAuthResponse. The query has match,
// the URL that Git asks about, or id, a provider. With listen the answer is held
// until the owner has signed in, for ExternalAuthHold seconds at most; then it is
// api.CodeUnavailable, and the agent asks again.
const PathExternalAuth = "/api/v2/workspaceagents/me/external-auth"

// ExternalAuthHold is how long the server holds an answer at most, in seconds.
const ExternalAuthHold = 30

// ExternalAuthResponse is a token of the workspace's owner. While there is none,
// URL alone is set: where the owner signs in.
type ExternalAuthResponse struct {
	AccessToken api.Secret     `json:"access_token"`
	TokenExtra  map[string]any `json:"token_extra"`
	URL         string         `json:"url"`
	Type        string         `json:"type"`
	// Username and Password are what Git sends.
	Username string     `json:"username"`
	Password api.Secret `json:"password"`
}
