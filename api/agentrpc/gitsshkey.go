package agentrpc

import "coder.internal/api"

// PathGitSSHKey answers GET with a GitKeyPair.
const PathGitSSHKey = "/api/v2/workspaceagents/me/gitsshkey"

// GitKeyPair is the key pair of the workspace's owner in the forms of OpenSSH.
type GitKeyPair struct {
	PublicKey  string     `json:"public_key"`
	PrivateKey api.Secret `json:"private_key"`
}
