package agents_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

// TestGitSSHKey: the agent gets the pair of its owner, unless its template keeps
// the owner's data from it or the owner is suspended.
func TestGitSSHKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.running("dev", "tok-dev")
	agent := r.d.Client("tok-dev")
	pair := coderdtest.Do[agentrpc.GitKeyPair](t, agent, http.StatusOK, http.MethodGet, me+"/gitsshkey", nil)
	private, err := ssh.ParsePrivateKey([]byte(pair.PrivateKey.Reveal()))
	require.NoError(t, err)
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(pair.PublicKey))
	require.NoError(t, err)
	require.Equal(t, public.Marshal(), private.PublicKey().Marshal())
	mine := coderdtest.Do[api.GitSSHKey](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/users/me/gitsshkey", nil)
	require.Equal(t, pair.PublicKey, mine.PublicKey)

	_, job := r.building("closed")
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte("{}"), Resources: []jobrpc.Resource{{Type: "terraform_data", Name: "ws",
			Agents: []jobrpc.Agent{{Name: "main", Token: "tok-closed", OperatingSystem: "linux", Architecture: "amd64",
				APIKeyScope: "no_user_data"}}}}}}))
	e := coderdtest.Do[api.Error](t, r.d.Client("tok-closed"), http.StatusForbidden, http.MethodGet, me+"/gitsshkey", nil)
	require.Contains(t, e.Message, "no_user_data")

	r.call(r.owner, http.StatusOK, http.MethodPut, "/api/v2/users/bob/status/suspend", nil)
	e = coderdtest.Do[api.Error](t, agent, http.StatusForbidden, http.MethodGet, me+"/gitsshkey", nil)
	require.Contains(t, e.Message, "suspended")
}
