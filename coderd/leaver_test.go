package coderd_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestLeaversAreOut: sessions and tokens of suspended and deleted users are
// strangers on every route, also on files, websockets and uploads, from the request
// after the change on, on every replica.
func TestLeaversAreOut(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	other := coderdtest.Replica(t, d.DB)
	owner := d.FirstUser(t)
	var leavers []api.Secret
	for _, name := range []string{"suspended", "deleted"} {
		c := d.NewUser(t, owner, name, "owner")
		token := coderdtest.Do[api.GenerateKeyResponse](t, c, http.StatusCreated, http.MethodPost, "/api/v2/users/me/keys/tokens",
			api.CreateTokenRequest{TokenName: "ci"}).Key
		made := coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, http.MethodPost, "/api/v2/users/"+name+"/keys/tokens",
			api.CreateTokenRequest{TokenName: "gift"}).Key
		leavers = append(leavers, c.Token, token, made)
	}
	coderdtest.Do[api.User](t, owner, http.StatusOK, http.MethodPut, "/api/v2/users/suspended/status/suspend", nil)
	coderdtest.Do[struct{}](t, owner, http.StatusOK, http.MethodDelete, "/api/v2/users/deleted", nil)
	for _, r := range d.Server.Routes() {
		if r.Rule.IsPublic() {
			continue
		}
		path := placeholder.ReplaceAllString(r.Path, api.NewID().String())
		for i, token := range leavers {
			replica := []*coderdtest.Deployment{d, other}[i%2]
			res, text := replica.Client(token).Raw(t, r.Method, path, bodyOf(r, r.Method+" "+r.Path))
			assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s %s answered a leaver %s", r.Method, r.Path, text)
		}
	}
	// Coming back revives no old key.
	coderdtest.Do[api.User](t, owner, http.StatusOK, http.MethodPut, "/api/v2/users/suspended/status/activate", nil)
	for _, token := range leavers {
		res, _ := d.Client(token).Raw(t, http.MethodGet, "/api/v2/users/me", nil)
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	}
	// Nobody makes keys for who has left.
	coderdtest.Do[api.User](t, owner, http.StatusOK, http.MethodPut, "/api/v2/users/suspended/status/suspend", nil)
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, http.MethodPost, "/api/v2/users/suspended/keys/tokens", api.CreateTokenRequest{})
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, http.MethodPost, "/api/v2/users/deleted/keys/tokens", api.CreateTokenRequest{})
}
