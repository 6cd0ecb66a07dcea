package users_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestGitSSHKey: a key is made once, replaced on demand, and its private half is
// in no answer and in no audit entry.
func TestGitSSHKey(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob, eve := d.NewUser(t, owner, "bob"), d.NewUser(t, owner, "eve")
	admin := d.NewUser(t, owner, "keeper", "user-admin")
	const own, bobs, admins = "/api/v2/users/me/gitsshkey", "/api/v2/users/bob/gitsshkey", "/api/v2/users/admin/gitsshkey"

	res, text := bob.Raw(t, get, own, nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.NotContains(t, string(text), "rivate")
	first := coderdtest.Do[api.GitSSHKey](t, bob, http.StatusOK, get, own, nil)
	assert.Contains(t, string(text), first.PublicKey)
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(first.PublicKey))
	require.NoError(t, err)
	assert.Equal(t, ssh.KeyAlgoED25519, key.Type())
	assert.Equal(t, first.PublicKey, coderdtest.Do[api.GitSSHKey](t, owner, http.StatusOK, get, bobs, nil).PublicKey)

	second := coderdtest.Do[api.GitSSHKey](t, bob, http.StatusOK, put, own, nil)
	assert.NotEqual(t, first.PublicKey, second.PublicKey)
	assert.Equal(t, first.UserID, second.UserID)
	assert.True(t, second.UpdatedAt.After(first.UpdatedAt))
	assert.Equal(t, second.PublicKey, coderdtest.Do[api.GitSSHKey](t, bob, http.StatusOK, get, own, nil).PublicKey)

	// A first reset makes the key as well.
	coderdtest.Do[api.GitSSHKey](t, eve, http.StatusOK, put, own, nil)

	coderdtest.Do[api.Error](t, eve, http.StatusNotFound, get, bobs, nil)
	coderdtest.Do[api.Error](t, eve, http.StatusNotFound, put, bobs, nil)
	coderdtest.Do[api.Error](t, admin, http.StatusForbidden, put, admins, nil)

	log := coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?limit=10&q=resource_type:git_ssh_key+resource_target:bob", nil)
	require.Equal(t, 2, log.Count, "%+v", log)
	assert.Equal(t, "write", log.AuditLogs[0].Action)
	assert.Equal(t, "create", log.AuditLogs[1].Action)
	for _, l := range log.AuditLogs {
		assert.NotContains(t, string(l.Diff), "PRIVATE")
		assert.Contains(t, string(l.Diff), first.PublicKey)
	}
}
