package api

import "time"

// GitSSHKey is the public half of the key by which a user's workspaces sign in to
// Git servers, as a line for authorized_keys without a line end.
type GitSSHKey struct {
	UserID    ID        `json:"user_id"`
	PublicKey string    `json:"public_key"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}
