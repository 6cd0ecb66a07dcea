package health_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const path = "/api/v2/debug/health?force=true"

func codes(ms []api.HealthMessage) []string {
	out := []string{}
	for _, m := range ms {
		out = append(out, m.Code)
	}
	return out
}

// TestReport: a deployment without relay and daemon says so, and is reached.
func TestReport(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	r := coderdtest.Do[api.HealthReport](t, owner, http.StatusOK, http.MethodGet, path, nil)
	assert.False(t, r.Healthy)
	assert.Equal(t, api.HealthError, r.Severity)
	assert.True(t, r.AccessURL.Healthy, "%+v", r.AccessURL)
	assert.True(t, r.AccessURL.Reachable)
	assert.True(t, r.Database.Reachable)
	assert.Contains(t, codes(r.DERP.Warnings), "EDERP03")
	assert.Equal(t, []string{"EPD01"}, codes(r.Daemons.Warnings))
	assert.Contains(t, r.Daemons.Error, "coder provisioner start")

	member := d.NewUser(t, owner, "bob")
	coderdtest.Do[api.Error](t, member, http.StatusNotFound, http.MethodGet, path, nil)
}

// TestOldDaemon: a daemon of another release is a warning.
func TestOldDaemon(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	orgs := coderdtest.Do[[]api.Organization](t, owner, http.StatusOK, http.MethodGet, "/api/v2/organizations", nil)
	_, err := d.DB.UpsertProvisionerDaemon(t.Context(), database.UpsertProvisionerDaemonParams{ID: api.NewID(), OrganizationID: orgs[0].ID,
		Name: "old", Version: "v77.0.1", ApiVersion: "1.0", Tags: []byte("{}"), KeyName: "built-in", StaleSeconds: 30})
	require.NoError(t, err)
	r := coderdtest.Do[api.HealthReport](t, owner, http.StatusOK, http.MethodGet, path, nil)
	assert.Equal(t, 1, r.Daemons.Online)
	assert.True(t, r.Daemons.Healthy)
	assert.Equal(t, []string{"EPD02"}, codes(r.Daemons.Warnings))
}
