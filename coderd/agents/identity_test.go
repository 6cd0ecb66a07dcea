package agents_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/identity"
	"coder.internal/database"
)

// region is an AWS region of the test.
type region struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newRegion(t *testing.T) region {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "region"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return region{key, cert}
}

func (g region) identities(c *coderdtest.Config) {
	c.Identities = agents.Identities{AWS: identity.AWS{Certificates: []*x509.Certificate{g.cert}}}
}

func (g region) document(t *testing.T, instance, agent string) api.AWSInstanceIdentityToken {
	t.Helper()
	doc := fmt.Sprintf(`{"instanceId":%q}`, instance)
	sum := sha256.Sum256([]byte(doc))
	sig, err := rsa.SignPKCS1v15(rand.Reader, g.key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return api.AWSInstanceIdentityToken{Document: doc, Signature: base64.StdEncoding.EncodeToString(sig), AgentName: agent}
}

// onMachine makes a workspace with agents on a machine.
func (r *rig) onMachine(name, instance string, agentNames ...string) {
	r.Helper()
	_, job := r.building(name)
	var list []jobrpc.Agent
	for _, n := range agentNames {
		list = append(list, jobrpc.Agent{Name: n, Auth: "aws-instance-identity", InstanceID: instance, Token: api.Secret("unused-" + name + n), OperatingSystem: "linux", Architecture: "amd64"})
	}
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte("{}"), Resources: []jobrpc.Resource{{Type: "aws_instance", Name: "ws", Agents: list}}}}))
}

const awsPath = "/api/v2/workspaceagents/aws-instance-identity"

func TestIdentity(t *testing.T) {
	t.Parallel()
	g := newRegion(t)
	r := newRig(t, g.identities)
	r.onMachine("one", "i-1", "main")
	r.onMachine("two", "i-2", "a", "b")
	anonymous := r.d.Client("")
	exchange := func(status int, instance, agent string) api.Secret {
		t.Helper()
		return coderdtest.Do[api.AgentAuthenticateResponse](t, anonymous, status, http.MethodPost, awsPath, g.document(t, instance, agent)).SessionToken
	}
	token := exchange(http.StatusOK, "i-1", "")
	manifest := coderdtest.Do[map[string]any](t, r.d.Client(token), http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/me/manifest", nil)
	require.Equal(t, "one", manifest["workspace_name"])

	// A second exchange ends the first token.
	again := exchange(http.StatusOK, "i-1", "main")
	r.call(r.d.Client(token), http.StatusUnauthorized, http.MethodGet, "/api/v2/workspaceagents/me/manifest", nil)
	r.call(r.d.Client(again), http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/me/manifest", nil)

	// Several agents on a machine are told apart by name.
	exchange(http.StatusBadRequest, "i-2", "")
	require.NotEmpty(t, exchange(http.StatusOK, "i-2", "b"))
	exchange(http.StatusNotFound, "i-2", "c")
	exchange(http.StatusNotFound, "i-unknown", "")

	// Nothing without a signature of a region.
	forged := newRegion(t).document(t, "i-1", "")
	r.call(anonymous, http.StatusUnauthorized, http.MethodPost, awsPath, forged)
	mixed := g.document(t, "i-2", "")
	mixed.Document = forged.Document
	r.call(anonymous, http.StatusUnauthorized, http.MethodPost, awsPath, mixed)
	r.call(anonymous, http.StatusUnauthorized, http.MethodPost, "/api/v2/workspaceagents/google-instance-identity", api.GoogleInstanceIdentityToken{JSONWebToken: "a.b.c"})
	r.call(anonymous, http.StatusUnauthorized, http.MethodPost, "/api/v2/workspaceagents/azure-instance-identity", api.AzureInstanceIdentityToken{Encoding: "pkcs7", Signature: "MAA="})
}

// TestIdentityWhileConnected: a document that is shown while its agent is there
// may be a copy.
func TestIdentityWhileConnected(t *testing.T) {
	t.Parallel()
	g := newRegion(t)
	r := newRig(t, g.identities)
	r.onMachine("one", "i-1", "main")
	rows, err := r.d.DB.ListAgentsByInstance(t.Context(), database.ListAgentsByInstanceParams{InstanceID: "i-1", StaleSeconds: 90})
	require.NoError(t, err)
	conn := api.NewID()
	_, err = r.d.DB.ConnectAgent(t.Context(), database.ConnectAgentParams{ID: rows[0].ID, ConnectionID: &conn})
	require.NoError(t, err)
	r.call(r.d.Client(""), http.StatusConflict, http.MethodPost, awsPath, g.document(t, "i-1", ""))
	_, err = r.d.DB.DisconnectAgent(t.Context(), database.DisconnectAgentParams{ID: rows[0].ID, ConnectionID: &conn})
	require.NoError(t, err)
	r.call(r.d.Client(""), http.StatusOK, http.MethodPost, awsPath, g.document(t, "i-1", ""))
}

// TestClaimedMachine: a template cannot take the machine of another workspace by
// naming its id.
func TestClaimedMachine(t *testing.T) {
	t.Parallel()
	g := newRegion(t)
	r := newRig(t, g.identities)
	r.onMachine("victim", "i-1", "main")
	r.onMachine("thief", "i-1", "stolen")
	for _, agent := range []string{"", "main", "stolen"} {
		r.call(r.d.Client(""), http.StatusNotFound, http.MethodPost, awsPath, g.document(t, "i-1", agent))
	}
}
