package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"coder.internal/api"
)

// NewSSHKey makes an Ed25519 key pair in the forms of OpenSSH: a line for
// authorized_keys, without a line end, and a private key file.
func NewSSHKey() (public string, private api.Secret, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make ssh key: %w", err)
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", "", fmt.Errorf("encode public ssh key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return "", "", fmt.Errorf("encode private ssh key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line))), api.Secret(pem.EncodeToMemory(block)), nil
}
