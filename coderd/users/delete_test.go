package users_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

const insertTemplate = `insert into templates (id, organization_id, name, active_version_id, created_by)
values ($1, $2, 'tpl', gen_random_uuid(), $3)`

const insertWorkspace = `insert into workspaces (id, organization_id, owner_id, template_id, name)
values ($1, $2, $3, $4, 'dev')`

// TestDeleteKeepsWorkspaces: a user with workspaces stays, also when the first
// one is only just being made.
func TestDeleteKeepsWorkspaces(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	org, template, workspace := bob.User.OrganizationIDs[0], api.NewID(), api.NewID()
	pool := d.DB.Pool()
	_, err := pool.Exec(t.Context(), insertTemplate, template, org, owner.User.ID)
	require.NoError(t, err)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), insertWorkspace, workspace, org, bob.User.ID, template)
	require.NoError(t, err)

	status := make(chan int, 1)
	go func() {
		req, err := http.NewRequest(http.MethodDelete, d.URL.String()+"/api/v2/users/bob", nil) //nolint:noctx // bounded by the server
		if err != nil {
			status <- 0
			return
		}
		req.Header.Set(api.SessionTokenHeader, owner.Token.Reveal())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	require.Eventually(t, func() bool {
		var waiting int
		err := pool.QueryRow(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting == 1
	}, 10*time.Second, 5*time.Millisecond, "the deletion waits for the workspace")
	require.NoError(t, tx.Commit(t.Context()))
	assert.Equal(t, http.StatusConflict, <-status)
	coderdtest.Do[api.User](t, bob, http.StatusOK, get, "/api/v2/users/me", nil)

	// Checks by id find where things really are.
	ask := func(c *coderdtest.Client) api.AuthorizationResponse {
		return coderdtest.Do[api.AuthorizationResponse](t, c, http.StatusOK, post, "/api/v2/authcheck", api.AuthorizationRequest{
			Checks: map[string]api.AuthorizationCheck{
				"workspace": {Object: api.AuthorizationObject{ResourceType: "workspace", ResourceID: workspace.String()}, Action: "ssh"},
				"template":  {Object: api.AuthorizationObject{ResourceType: "template", ResourceID: template.String()}, Action: "update"},
				"org":       {Object: api.AuthorizationObject{ResourceType: "organization", ResourceID: org.String()}, Action: "read"},
			}})
	}
	assert.Equal(t, api.AuthorizationResponse{"workspace": true, "template": false, "org": true}, ask(bob))
	assert.Equal(t, api.AuthorizationResponse{"workspace": false, "template": false, "org": true}, ask(d.NewUser(t, owner, "eve")))
	assert.Equal(t, api.AuthorizationResponse{"workspace": true, "template": true, "org": true}, ask(owner))
}
